//! A document of which little is known yet.

use model::{Category, Document, DocumentId, Source};

use crate::Ingest;

impl Ingest {
    /// A document of which nothing is known yet but its title.
    pub(crate) fn blank_document(&self, title: String, source: Source) -> Document {
        let now = self.now();
        Document {
            id: DocumentId::new(&*self.shared.clock, &*self.shared.random),
            title,
            category: Category::Document,
            file_type: String::new(),
            mime: String::new(),
            path: None,
            path_raw: None,
            content_hash: String::new(),
            size: 0,
            modified_at: now,
            source,
            language: None,
            document_type: None,
            summary: None,
            document_date: None,
            duration_s: None,
            width: None,
            height: None,
            page_count: None,
            needs_conversion: false,
            transcript_draft: false,
            thumbnail_path: None,
            preview_path: None,
            user_fields: Vec::new(),
            tags: Vec::new(),
            created_at: now,
            updated_at: now,
            missing_since: None,
            trashed_at: None,
        }
    }
}
