//! A document of which little is known yet.

use model::{Document, DocumentId, Source};

use crate::Ingest;

impl Ingest {
    /// A document of which nothing is known yet but its title.
    pub(crate) fn blank_document(&self, title: String, source: Source) -> Document {
        let id = DocumentId::new(&*self.shared.clock, &*self.shared.random);
        Document::blank(id, title, source, self.now())
    }
}
