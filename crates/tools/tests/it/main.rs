//! The tools on real files, with the real programs. A missing program fails these tests.

mod fence;
mod media;
mod parse;
mod pdf;
mod speech;
mod supervise;
mod support;
