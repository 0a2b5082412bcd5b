//! What the tests share: an index in a folder of its own, and documents to put in.

use std::path::Path;

use model::{Document, DocumentId, Segment, Source, Timestamp};
use search::{Hits, IndexChange, IndexEntry, Query, SearchIndex};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_760_000_000_000);

/// An index that goes with the value.
pub struct Bed {
    pub index: SearchIndex,
    folder: TempDir,
}

impl Bed {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            index: SearchIndex::open(folder.path()).unwrap(),
            folder,
        }
    }

    /// An index with one document per text, each named as its text's number.
    pub fn with(texts: &[&str]) -> Self {
        let bed = Self::new();
        let entries = texts
            .iter()
            .enumerate()
            .map(|(at, text)| entry(&at.to_string(), text));
        bed.put(entries.collect());
        bed
    }

    pub fn put(&self, entries: Vec<IndexEntry>) {
        let changes = entries
            .into_iter()
            .map(|entry| IndexChange::Upsert(Box::new(entry)));
        self.index.apply(changes.collect(), 1).unwrap();
    }

    pub fn search(&self, text: &str) -> Hits {
        self.index.search(&query(text)).unwrap()
    }

    /// Ids of what is found, best first.
    pub fn ids(&self, text: &str) -> Vec<String> {
        self.search(text)
            .hits
            .into_iter()
            .map(|hit| hit.document_id.0)
            .collect()
    }

    pub fn snippet(&self, text: &str) -> String {
        self.search(text)
            .hits
            .first()
            .map(|hit| hit.snippet.clone())
            .unwrap_or_default()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same index, closed and opened again after `between`.
    pub fn reopened(self, between: impl FnOnce(&Path)) -> Self {
        let Self { index, folder } = self;
        drop(index);
        between(folder.path());
        Self {
            index: SearchIndex::open(folder.path()).unwrap(),
            folder,
        }
    }
}

pub fn query(text: &str) -> Query {
    Query {
        text: text.into(),
        limit: 20,
        ..Query::default()
    }
}

pub fn entry(id: &str, text: &str) -> IndexEntry {
    IndexEntry {
        document: document(id),
        text: Some(text.into()),
        chunks: Vec::new(),
        segments: Vec::new(),
    }
}

pub fn line(start_s: f64, text: &str) -> Segment {
    Segment {
        start_s,
        end_s: start_s + 4.0,
        text: text.into(),
        words: None,
        confidence: None,
    }
}

pub fn document(id: &str) -> Document {
    Document {
        file_type: "txt".into(),
        mime: "text/plain".into(),
        content_hash: format!("hash {id}"),
        size: 1,
        modified_at: NOW,
        ..Document::blank(
            DocumentId::from(id),
            format!("untitled {id}"),
            Source::Cli,
            NOW,
        )
    }
}
