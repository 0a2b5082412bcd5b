//! The one function in which every way in ends: what becomes of a file with this content at this path.
//!
//! Invariants kept here, on which scans rely:
//! - a row in `files` says that this path held this content of this document when it was last read;
//! - a document's `path` never is the path of another document's file: whoever loses its path to another is moved to one of
//!   its own copies, or is missing.

use model::{Document, DocumentId, DocumentPatch, FileType, QueueItemId, Source, Timestamp, Write};
use store::{DocumentEdit, Enqueue, KnownFile, StoreError, Tx};

use crate::content::{self, Stamp};
use crate::names::{self, DiskPath};
use crate::note::given;
use crate::places::give_path;
use crate::{FoundFile, Ingest, IngestError, Ingested, SkipReason, Wish, kind};
use model::Priority;

/// How often a transaction is tried again that met another writer.
const CONFLICT_TRIES: u32 = 5;

/// On which terms a file comes in.
pub(crate) struct Terms<'a> {
    pub(crate) source: Source,
    pub(crate) wish: &'a Wish,
    pub(crate) priority: Priority,
}

impl<'a> Terms<'a> {
    pub(crate) fn of(source: Source, wish: &'a Wish) -> Self {
        let priority = priority(source);
        Self {
            source,
            wish,
            priority,
        }
    }
}

/// A file that has been read, on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) disk: DiskPath,
    pub(crate) size: i64,
    pub(crate) modified_at: Timestamp,
    pub(crate) hash: String,
    pub(crate) kind: FileType,
}

/// An arrival with the path it is stored under.
struct Placed<'a> {
    arrival: &'a Arrival,
    path: String,
    raw: Option<Vec<u8>>,
    /// The path of the document with the same content, where no file lies there any more.
    gone: Option<String>,
    now: Timestamp,
}

impl Placed<'_> {
    fn row(&self, document_id: &DocumentId) -> KnownFile {
        KnownFile {
            path: self.path.clone(),
            path_raw: self.raw.clone(),
            size: self.arrival.size,
            modified_at: self.arrival.modified_at,
            content_hash: self.arrival.hash.clone(),
            document_id: document_id.clone(),
        }
    }
}

impl Ingest {
    /// Reads a file below the library and makes the store know it. `source` and `wish` count where that makes a new document.
    ///
    /// # Errors
    /// The file cannot be read, or the database refuses. Two writers that meet are no error.
    pub async fn take_in(
        &self,
        file: FoundFile,
        source: Source,
        wish: &Wish,
    ) -> Result<Ingested, IngestError> {
        self.take_in_on(file, &Terms::of(source, wish)).await
    }

    pub(crate) async fn take_in_on(
        &self,
        file: FoundFile,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let Some(_claim) = self.begin(&file.disk, file.size) else {
            return Ok(Ingested::Skipped(SkipReason::InWork));
        };
        let content = match content::read(file.disk.on(self.library())).await {
            Err(IngestError::NotFound(_)) => return Ok(Ingested::Skipped(SkipReason::Gone)),
            other => other?,
        };
        let seen = Stamp {
            size: file.size,
            modified_at: file.modified_at,
        };
        if content.before != seen || content.after != seen {
            return Ok(Ingested::Skipped(SkipReason::StillWritten));
        }
        let arrival = Arrival {
            kind: kind::of(&file.disk.stored(), content.digest.head()),
            hash: content.digest.hash(),
            size: file.size,
            modified_at: file.modified_at,
            disk: file.disk,
        };
        self.record(&arrival, terms).await
    }

    /// Makes the store know a file that has been read.
    pub(crate) async fn record(
        &self,
        arrival: &Arrival,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let mut tries = 1;
        loop {
            match self.try_record(arrival, terms).await {
                Err(error) => tries = once_more(tries, error)?,
                outcome => return outcome,
            }
        }
    }

    async fn try_record(
        &self,
        arrival: &Arrival,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let placed = self.place(arrival).await?;
        let mut tx = self.shared.store.write().await?;
        let known = tx.file(&placed.path).await?;
        let same_again = known
            .as_ref()
            .is_some_and(|file| file.content_hash == arrival.hash);
        let outcome = match tx.document_with_content(&arrival.hash).await? {
            Some(holder) => known_content(&mut tx, &placed, holder).await?,
            None => self.new_content(&mut tx, &placed, terms).await?,
        };
        let outcome = match outcome {
            Ingested::Duplicate { existing, .. } if same_again => Ingested::Unchanged(existing),
            other => other,
        };
        tx.commit().await?;
        Ok(outcome)
    }

    /// Looks at the disk before the transaction, so that a slow NAS holds up nobody's writing.
    async fn place<'a>(&self, arrival: &'a Arrival) -> Result<Placed<'a>, IngestError> {
        let mut tx = self.shared.store.read().await?;
        let path = self.stored_path(&mut tx, &arrival.disk).await?;
        let holder = tx.document_with_content(&arrival.hash).await?;
        let gone = holder.and_then(|document| {
            let path = document.path?;
            let disk = DiskPath::of_stored(&path, document.path_raw.as_deref());
            self.is_gone(&disk).then_some(path)
        });
        let raw = arrival.disk.raw_beside(&path);
        Ok(Placed {
            arrival,
            path,
            raw,
            gone,
            now: self.now(),
        })
    }

    /// No document has this content: the one whose original lay at this path was changed, or it is a new one.
    async fn new_content(
        &self,
        tx: &mut Tx,
        placed: &Placed<'_>,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        // What went into the trash does not come back as something else: new content at its path is a new document.
        let in_place = tx.document_at(&placed.path).await?;
        let in_place = in_place.filter(|document| document.trashed_at.is_none());
        match in_place {
            Some(document) => self.changed(tx, placed, document, terms).await,
            None => self.added(tx, placed, terms).await,
        }
    }

    async fn changed(
        &self,
        tx: &mut Tx,
        placed: &Placed<'_>,
        mut document: Document,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let Arrival {
            size,
            modified_at,
            hash,
            kind,
            ..
        } = placed.arrival;
        document.content_hash.clone_from(hash);
        document.size = *size;
        document.modified_at = *modified_at;
        document.file_type = kind.extension.to_owned();
        document.mime = kind.mime.to_owned();
        tx.set_content(&document, placed.now).await?;
        if document.path_raw != placed.raw {
            tx.set_path(&document.id, &placed.path, placed.raw.clone(), placed.now)
                .await?;
        }
        // Copies elsewhere hold what this document no longer is; the next scan reads them anew.
        for copy in tx.files_of(&document.id).await? {
            tx.remove_file(&copy.path).await?;
        }
        tx.put_file(&placed.row(&document.id)).await?;
        if (document.category, document.needs_conversion) != (kind.category, kind.needs_conversion)
        {
            let patch = DocumentPatch {
                category: Some(kind.category),
                needs_conversion: Some(kind.needs_conversion),
                ..DocumentPatch::default()
            };
            tx.apply_writes(&document.id, &[Write::Patch(Box::new(patch))], placed.now)
                .await?;
        }
        document.category = kind.category;
        document.needs_conversion = kind.needs_conversion;
        self.enqueue_first(tx, &document, terms.priority).await?;
        Ok(Ingested::Changed(document.id))
    }

    async fn added(
        &self,
        tx: &mut Tx,
        placed: &Placed<'_>,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let document = self.new_document(placed, terms);
        give_path(tx, &placed.path, &document.id, placed.now).await?;
        tx.insert_document(&document, None).await?;
        tx.put_file(&placed.row(&document.id)).await?;
        protect_wish(tx, &document.id, terms.wish, placed.now).await?;
        self.enqueue_first(tx, &document, terms.priority).await?;
        let stored = tx.document(&document.id).await?.unwrap_or(document);
        Ok(Ingested::Added(Box::new(stored)))
    }

    fn new_document(&self, placed: &Placed<'_>, terms: &Terms<'_>) -> Document {
        let Arrival {
            size,
            modified_at,
            hash,
            kind,
            ..
        } = placed.arrival;
        let title = wished_title(terms.wish).unwrap_or_else(|| names::title_of(&placed.path));
        Document {
            path: Some(placed.path.clone()),
            path_raw: placed.raw.clone(),
            category: kind.category,
            file_type: kind.extension.to_owned(),
            mime: kind.mime.to_owned(),
            needs_conversion: kind.needs_conversion,
            content_hash: hash.clone(),
            size: *size,
            modified_at: *modified_at,
            tags: terms.wish.tags.clone(),
            ..self.blank_document(title, terms.source)
        }
    }

    /// Puts the document's first stages into the queue; for a video that no browser plays there are none, unless a policy
    /// names one.
    pub(crate) async fn enqueue_first(
        &self,
        tx: &mut Tx,
        document: &Document,
        priority: Priority,
    ) -> Result<(), StoreError> {
        let now = self.now();
        for spec in (self.shared.first_stages)(document) {
            let work = Enqueue {
                id: QueueItemId::new(&*self.shared.clock, &*self.shared.random),
                document_id: document.id.clone(),
                stage: spec.name.to_owned(),
                priority,
                run_at: now,
                max_attempts: spec.max_attempts,
                stage_version: spec.version,
            };
            tx.enqueue(&work, now).await?;
        }
        Ok(())
    }
}

/// Counts a further try where the transaction met another writer; any other error, or one too many, stays what it is.
pub(crate) fn once_more(tries: u32, error: IngestError) -> Result<u32, IngestError> {
    match error {
        IngestError::Store(error) if error.is_conflict() && tries < CONFLICT_TRIES => {
            tracing::debug!(%error, tries, "met another writer; trying again");
            Ok(tries + 1)
        }
        error => Err(error),
    }
}

/// A document has this content: this file is its original, its original's new place, or a copy.
async fn known_content(
    tx: &mut Tx,
    placed: &Placed<'_>,
    holder: Document,
) -> Result<Ingested, IngestError> {
    give_path(tx, &placed.path, &holder.id, placed.now).await?;
    tx.put_file(&placed.row(&holder.id)).await?;
    if holder.path.as_ref() == Some(&placed.path) {
        if holder.missing_since.is_some() || holder.path_raw != placed.raw {
            tx.set_path(&holder.id, &placed.path, placed.raw.clone(), placed.now)
                .await?;
        }
        return Ok(Ingested::Unchanged(holder.id));
    }
    if holder.missing_since.is_none() && (holder.path.is_none() || holder.path != placed.gone) {
        let trashed = holder.trashed_at.is_some();
        return Ok(Ingested::Duplicate {
            existing: holder.id,
            trashed,
        });
    }
    if let Some(old) = &holder.path {
        tx.remove_file(old).await?;
    }
    tx.set_path(&holder.id, &placed.path, placed.raw.clone(), placed.now)
        .await?;
    Ok(Ingested::Moved(holder.id))
}

/// What a person said of the document stays, whatever the stages find.
async fn protect_wish(
    tx: &mut Tx,
    id: &DocumentId,
    wish: &Wish,
    now: Timestamp,
) -> Result<(), StoreError> {
    let title = wished_title(wish);
    let tags = (!wish.tags.is_empty()).then(|| wish.tags.clone());
    if title.is_none() && tags.is_none() {
        return Ok(());
    }
    let patch = DocumentPatch {
        title,
        ..DocumentPatch::default()
    };
    tx.edit_document(id, &DocumentEdit { patch, tags }, now)
        .await?;
    Ok(())
}

fn wished_title(wish: &Wish) -> Option<String> {
    given(wish.title.as_deref())
}

fn priority(source: Source) -> Priority {
    match source {
        Source::Watch => Priority::Bulk,
        Source::Upload | Source::Note | Source::Cli => Priority::Person,
    }
}
