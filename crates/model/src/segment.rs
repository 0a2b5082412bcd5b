//! A stretch of speech with its text.

use serde::{Deserialize, Serialize};

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Seconds from the start of the recording.
    pub start_s: f64,
    /// Seconds from the start of the recording; not before `start_s`.
    pub end_s: f64,
    /// What was said.
    pub text: String,
    /// Words with times as the engine gave them, as JSON; `None` where it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<serde_json::Value>,
    /// 0 to 1, where the engine tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}
