//! The lobby over real sockets: each request's success, its refusals and its empty list.

mod buddies;
mod channels;
mod chat;
mod clans;
mod game_hosts;
mod files;
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
