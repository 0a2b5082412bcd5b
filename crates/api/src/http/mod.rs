//! Serving files over HTTP: ranges, validators, names.

mod blocks;
pub(crate) mod disposition;
pub(crate) mod file;
pub(crate) mod media_type;
pub(crate) mod range;
