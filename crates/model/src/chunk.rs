//! A passage: what search finds and what gets a vector.

use serde::{Deserialize, Serialize};

/// A passage of a document's text with its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The passage.
    pub text: String,
    /// Page it starts on, from 1, where the document has pages.
    pub page: Option<i64>,
    /// Second it starts at, where the document is a recording.
    pub start_s: Option<f64>,
    /// Offset of its first character in the extracted text, in characters (Unicode scalar values).
    pub char_start: i64,
    /// Offset just after its last character.
    pub char_end: i64,
}
