//! The tools on real files, with the real programs. A missing program fails these tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests, which fail by panicking"
)]

mod fence;
mod limits;
mod media;
mod parse;
mod pdf;
mod speech;
mod supervise;
mod support;
mod video;
