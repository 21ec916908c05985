//! What the plugins of Up Your Arsenal and Deadlocked share. Both games are patched in memory by their communities, in the same
//! way but with other numbers; both have players who type commands into the chat.
//!
//! - [`custom`]: the messages of those patches, which travel as DME type 8.
//! - [`download`]: how a patch's bytes travel.
//! - [`patch`]: the whole way of a patch to a player, from the question whether it is there to the jump into it.
//! - [`chat`]: commands in the chat.
//! - [`state`]: what a plugin hands to its successor.
//!
//! Source of the facts: the public plugins of the games' communities (horizon-uya-plugin, horizon-deadlocked-plugin). Nothing
//! of this was seen in traffic with Sony's servers, which knew of no patches. The patches themselves are their communities'
//! and are not here: an operator puts them into the title's `assets`.

pub mod chat;
pub mod custom;
pub mod download;
pub mod patch;
pub mod state;
