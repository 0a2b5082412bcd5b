//! What a stage hands back: changes that the runner commits together with the row's completion.

use crate::{Chunk, DocumentPatch, Segment};

/// One change to the document a stage worked on.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Sets fields of the document. Fields a person has set are left alone.
    Patch(Box<DocumentPatch>),
    /// Replaces all lines of the transcript.
    Segments(Vec<Segment>),
    /// Replaces all passages.
    Chunks(Vec<Chunk>),
    /// Adds tags, unless a person has set the document's tags.
    Tags(Vec<String>),
}
