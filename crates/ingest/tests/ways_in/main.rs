//! Every way in, against a real folder and a real (SQLite) store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod add;
mod home;
mod names;
mod notes;
mod scan;
mod upload;
mod watch;
