//! The fields of the index.
//!
//! A document is one *head* (all its words, so that words of different pages are found together, with title, tags and file
//! name) and one *passage* for each place that can be shown.

use tantivy::Term;
use tantivy::schema::{
    Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::tokenizer::TOKENIZER_NAME;

/// Value of `kind` for heads.
pub(crate) const HEAD: &str = "head";

/// Value of `kind` for passages.
pub(crate) const PASSAGE: &str = "passage";

/// The schema with its fields.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub schema: Schema,
    /// Both kinds: whose it is.
    pub document_id: Field,
    /// [`HEAD`] or [`PASSAGE`].
    pub kind: Field,
    /// Heads: category's name.
    pub category: Field,
    /// Heads: the title.
    pub title: Field,
    /// Heads: tags, document type, date of the content.
    pub tags: Field,
    /// Heads: file name with its folders.
    pub name: Field,
    /// Heads: the whole text, and the words of the three fields above.
    pub body: Field,
    /// Passages: their text.
    pub text: Field,
    /// Passages: page, from 1.
    pub page: Field,
    /// Passages: second.
    pub start_s: Field,
    /// Passages of recordings: `[[byte offset in text, second], …]` of the lines, as JSON.
    pub lines: Field,
}

impl Fields {
    pub fn new() -> Self {
        let mut builder = Schema::builder();
        Self {
            document_id: builder.add_text_field("document_id", STRING | STORED),
            kind: builder.add_text_field("kind", STRING),
            category: builder.add_text_field("category", STRING | STORED),
            title: builder.add_text_field("title", words() | STORED),
            tags: builder.add_text_field("tags", words()),
            name: builder.add_text_field("name", words()),
            body: builder.add_text_field("body", words()),
            text: builder.add_text_field("text", words() | STORED),
            page: builder.add_i64_field("page", STORED),
            start_s: builder.add_f64_field("start_s", STORED),
            lines: builder.add_text_field("lines", STORED),
            schema: builder.build(),
        }
    }

    pub fn is_kind(&self, kind: &str) -> Term {
        Term::from_field_text(self.kind, kind)
    }

    pub fn of_document(&self, id: &str) -> Term {
        Term::from_field_text(self.document_id, id)
    }
}

fn words() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER_NAME)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    TextOptions::default().set_indexing_options(indexing)
}
