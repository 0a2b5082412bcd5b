//! What the API shows of what the store keeps.

pub(crate) mod document;
pub(crate) mod queue;
pub(crate) mod schema;
