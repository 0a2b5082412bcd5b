//! Opens the index, heals it, and takes changes in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use model::{Chunk, Document, DocumentId, Segment};
use tantivy::directory::error::LockError;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::TantivyDocument;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use crate::SearchError;
use crate::passages::passages;
use crate::schema::{Fields, HEAD, PASSAGE};
use crate::tokenizer::{TOKENIZER_NAME, UnicodeTokenizer};

/// Memory in which words are gathered before they are written out.
const WRITER_MEMORY_BYTES: usize = 30 << 20;

/// The words' part of the index folder; vectors get one of their own.
const FOLDER: &str = "keyword";

/// A document as it is to be found.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// Its record.
    pub document: Document,
    /// Its whole text; the passages' texts stand in for it where it is absent.
    pub text: Option<String>,
    /// Its passages; made of `text` and `segments` where there are none yet.
    pub chunks: Vec<Chunk>,
    /// Its transcript, which gives a hit the second of the very line.
    pub segments: Vec<Segment>,
}

/// One change of the index.
#[derive(Clone, Debug)]
pub enum IndexChange {
    /// Adds the document or replaces what is known of it; one in the trash is taken out.
    Upsert(Box<IndexEntry>),
    /// Takes the document out.
    Remove(DocumentId),
}

/// The index of an archive. Its methods block: call them off the async threads.
pub struct SearchIndex {
    folder: PathBuf,
    pub(crate) fields: Fields,
    open: RwLock<Open>,
    /// Made at the first change, so that a process that only searches never takes the writer's lock.
    writer: Mutex<Option<IndexWriter>>,
    /// A search met broken files.
    damaged: AtomicBool,
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchIndex")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Open {
    index: Index,
    reader: IndexReader,
}

impl SearchIndex {
    /// Opens the index in `dir`, or begins an empty one. An index of another version or with broken files is replaced by an
    /// empty one (with [`seq`](Self::seq) 0), so that the change log fills it anew.
    ///
    /// # Errors
    /// The folder cannot be used, or a broken index is being written by another process.
    pub fn open(dir: &Path) -> Result<Self, SearchError> {
        let folder = dir.join(FOLDER);
        let fields = Fields::new();
        let open = match open_folder(&folder, &fields) {
            Err(error) if error.is_corrupt() => {
                tracing::warn!(folder = %folder.display(), %error, "search index is built anew");
                delete_index_files(&folder)?;
                open_folder(&folder, &fields)?
            }
            result => result?,
        };
        Ok(Self {
            folder,
            fields,
            open: RwLock::new(open),
            writer: Mutex::new(None),
            damaged: AtomicBool::new(false),
        })
    }

    /// Number of the last change that is in the index; 0 for an empty one.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn seq(&self) -> Result<i64, SearchError> {
        let payload = self.current().index.load_metas()?.payload;
        Ok(payload.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Takes the changes in and remembers `seq`; afterwards searches see them. All or nothing, also when the process dies.
    ///
    /// # Errors
    /// Another process writes the index, or it cannot be written; then nothing has changed.
    pub fn apply(&self, changes: Vec<IndexChange>, seq: i64) -> Result<(), SearchError> {
        self.write(
            |writer| {
                for change in changes {
                    self.stage(writer, change)?;
                }
                Ok(())
            },
            seq,
        )
    }

    /// Empties the index and sets [`seq`](Self::seq) to 0.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn clear(&self) -> Result<(), SearchError> {
        self.write(|writer| Ok(writer.delete_all_documents().map(drop)?), 0)
    }

    /// Replaces an index whose files are broken or gone by an empty one.
    ///
    /// # Errors
    /// The folder cannot be used, or another process writes the index.
    pub(crate) fn rebuild(&self) -> Result<(), SearchError> {
        let mut writer = self.writer();
        *writer = None;
        delete_index_files(&self.folder)?;
        *self.open.write().unwrap_or_else(PoisonError::into_inner) =
            open_folder(&self.folder, &self.fields)?;
        self.damaged.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Notes that files are broken, for the indexer to mend.
    pub(crate) fn mark_damaged(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.current().reader.searcher()
    }

    fn current(&self) -> Open {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn writer(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(
        &self,
        work: impl FnOnce(&IndexWriter) -> Result<(), SearchError>,
        seq: i64,
    ) -> Result<(), SearchError> {
        let mut slot = self.writer();
        // Taken out and put back only when all went well: a writer that failed is of no use, and dropping it forgets what
        // it had not committed.
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => new_writer(&self.current().index, &self.folder)?,
        };
        work(&writer)?;
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&seq.to_string());
        commit.commit()?;
        self.current().reader.reload()?;
        *slot = Some(writer);
        Ok(())
    }

    fn stage(&self, writer: &IndexWriter, change: IndexChange) -> Result<(), SearchError> {
        match change {
            IndexChange::Remove(id) => {
                writer.delete_term(self.fields.of_document(id.as_str()));
            }
            IndexChange::Upsert(entry) => {
                writer.delete_term(self.fields.of_document(entry.document.id.as_str()));
                if entry.document.trashed_at.is_none() {
                    self.add(writer, *entry)?;
                }
            }
        }
        Ok(())
    }

    fn add(&self, writer: &IndexWriter, mut entry: IndexEntry) -> Result<(), SearchError> {
        if entry.chunks.is_empty() {
            entry.chunks = passages(entry.text.as_deref().unwrap_or_default(), &entry.segments);
        }
        writer.add_document(self.head(&entry))?;
        for (at, chunk) in entry.chunks.iter().enumerate() {
            let until = entry.chunks.get(at + 1).and_then(|next| next.start_s);
            let lines = line_starts(chunk, &entry.segments, until);
            writer.add_document(self.passage(&entry.document, chunk, &lines))?;
        }
        Ok(())
    }

    fn head(&self, entry: &IndexEntry) -> TantivyDocument {
        let (fields, document) = (&self.fields, &entry.document);
        let mut head = TantivyDocument::default();
        head.add_text(fields.document_id, document.id.as_str());
        head.add_text(fields.kind, HEAD);
        head.add_text(fields.category, document.category.as_str());
        // The body holds every word there is, so that it alone decides what is found; the other fields weigh.
        let mut add = |field, words: &str| {
            head.add_text(field, words);
            head.add_text(fields.body, words);
        };
        add(fields.title, &document.title);
        add(fields.name, document.path.as_deref().map_or("", name_words));
        let tags = document
            .tags
            .iter()
            .chain(&document.document_type)
            .chain(&document.document_date);
        tags.for_each(|tag| add(fields.tags, tag));
        match &entry.text {
            Some(text) => head.add_text(fields.body, text),
            None => {
                for chunk in &entry.chunks {
                    head.add_text(fields.body, &chunk.text);
                }
            }
        }
        head
    }

    fn passage(
        &self,
        document: &Document,
        chunk: &Chunk,
        lines: &[(usize, f64)],
    ) -> TantivyDocument {
        let fields = &self.fields;
        let mut passage = TantivyDocument::default();
        passage.add_text(fields.document_id, document.id.as_str());
        passage.add_text(fields.kind, PASSAGE);
        passage.add_text(fields.text, &chunk.text);
        // A text of one page has no page separator in it.
        let only_page = document.page_count.filter(|pages| *pages == 1);
        if let Some(page) = chunk.page.or(only_page) {
            passage.add_i64(fields.page, page);
        }
        if let Some(start_s) = chunk.start_s {
            passage.add_f64(fields.start_s, start_s);
        }
        if !lines.is_empty() {
            passage.add_text(fields.lines, serde_json::json!(lines).to_string());
        }
        passage
    }
}

/// The path below the watched folder, whose own name says nothing.
fn name_words(path: &str) -> &str {
    path.split_once('/').map_or(path, |(_, rest)| rest)
}

/// Where in the passage each line of the transcript begins: byte offset and second.
fn line_starts(chunk: &Chunk, segments: &[Segment], until: Option<f64>) -> Vec<(usize, f64)> {
    let Some(from) = chunk.start_s else {
        return Vec::new();
    };
    let mut at = 0;
    segments
        .iter()
        .filter(|line| line.start_s >= from && until.is_none_or(|until| line.start_s < until))
        .filter_map(|line| {
            let text = line.text.trim();
            let start = at + chunk.text[at..].find(text)?;
            at = start + text.len();
            Some((start, line.start_s))
        })
        .collect()
}

fn open_folder(folder: &Path, fields: &Fields) -> Result<Open, SearchError> {
    fs::create_dir_all(folder).map_err(|source| unusable(folder, source))?;
    let directory = MmapDirectory::open(folder).map_err(TantivyError::from)?;
    // Fails where the stored schema differs; the name of the tokenizer is part of it.
    let index = Index::open_or_create(directory, fields.schema.clone())?;
    index
        .tokenizers()
        .register(TOKENIZER_NAME, UnicodeTokenizer);
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::OnCommitWithDelay)
        .try_into()?;
    check_words(&reader.searcher(), fields)?;
    Ok(Open { index, reader })
}

/// Opens the words of every field, which shows files that are broken or of another index.
fn check_words(searcher: &Searcher, fields: &Fields) -> Result<(), SearchError> {
    for segment in searcher.segment_readers() {
        for (field, entry) in fields.schema.fields() {
            if entry.is_indexed() {
                segment.inverted_index(field)?;
            }
        }
    }
    Ok(())
}

fn new_writer(index: &Index, folder: &Path) -> Result<IndexWriter, SearchError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_MEMORY_BYTES)
        .build();
    index
        .writer_with_options(options)
        .map_err(|error| match error {
            TantivyError::LockFailure(error, _) => locked(error, folder),
            error => error.into(),
        })
}

fn locked(error: LockError, folder: &Path) -> SearchError {
    match error {
        LockError::LockBusy => SearchError::Locked(folder.to_owned()),
        error => TantivyError::LockFailure(error, None).into(),
    }
}

/// Deletes the files that make up an index, and no other file that may lie there.
fn delete_index_files(folder: &Path) -> Result<(), SearchError> {
    let fail = |source| unusable(folder, source);
    fs::create_dir_all(folder).map_err(fail)?;
    let directory = MmapDirectory::open(folder).map_err(TantivyError::from)?;
    let _lock = directory
        .acquire_lock(&INDEX_WRITER_LOCK)
        .map_err(|error| locked(error, folder))?;
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if is_index_file(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(fail)?;
        }
    }
    Ok(())
}

/// `meta.json`, `.managed.json`, and the segments: 32 hexadecimal digits, then what the file holds.
fn is_index_file(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_segment = stem.len() == 32 && stem.chars().all(|c| c.is_ascii_hexdigit());
    is_segment || matches!(name, "meta.json" | ".managed.json")
}

fn unusable(path: &Path, source: io::Error) -> SearchError {
    SearchError::Folder {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_committed_never_happened() {
        let folder = tempfile::TempDir::new().unwrap();
        let index = SearchIndex::open(folder.path()).unwrap();
        index.apply(vec![], 7).unwrap();
        let writer = index.writer().take().unwrap();
        let mut head = TantivyDocument::default();
        head.add_text(index.fields.kind, HEAD);
        head.add_text(index.fields.body, "apple");
        writer.add_document(head).unwrap();
        // As a killed process leaves it: no destructor runs, and the system lets go of the lock only with the process, so the
        // index is read from a copy.
        std::mem::forget(writer);
        let copy = tempfile::TempDir::new().unwrap();
        fs::create_dir(copy.path().join(FOLDER)).unwrap();
        for file in fs::read_dir(&index.folder).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(FOLDER).join(file.file_name())).unwrap();
        }
        let after = SearchIndex::open(copy.path()).unwrap();
        assert_eq!(after.seq().unwrap(), 7);
        let query = crate::Query {
            text: "apple".into(),
            ..crate::Query::default()
        };
        assert_eq!(after.search(&query).unwrap().total, 0);
        after.apply(vec![], 8).unwrap();
        assert_eq!(after.seq().unwrap(), 8);
    }
}
