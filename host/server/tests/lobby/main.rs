//! The lobby over real sockets: each request's success, its refusals and its empty list.

mod buddies;
mod channels;
mod chat;
mod clans;
mod files;
mod game_hosts;
mod game_lists;
mod games;
mod harness;
mod ladders;
mod matches;
mod parties;
mod players;
mod reports;
mod stats;
mod tokens;
mod unknown;
