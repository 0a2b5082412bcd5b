//! The router, called as a browser would, on a store, a library and an index of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod auth;
mod contract;
mod documents;
mod events;
mod files;
mod harness;
mod queue;
mod search;
mod uploads;
mod web;
