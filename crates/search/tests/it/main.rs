//! The index as its users see it: what is put in is found, and shown at its place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bed;
mod finding;
mod following;
mod healing;
mod hostile;
mod places;
