//! Which rows or documents a person means when they steer many at once.
//!
//! A selection is looked up once, then worked off in batches of [`STEER_BATCH`], each in a transaction of its own: what a
//! person steers is what there was when they said so, and the queue goes on meanwhile.

use model::{Category, DocumentId, QueueItemId, Status, Timestamp};

use super::Tx;
use crate::value::Value;
use crate::{Store, StoreError};

/// How many rows or documents one transaction steers.
pub const STEER_BATCH: usize = 500;

/// Rows of the queue; what is set must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSelection {
    /// Of this stage.
    pub stage: Option<String>,
    /// That stand there.
    pub status: Option<Status>,
    /// That ended with this code.
    pub error_code: Option<String>,
    /// Of documents of this category.
    pub category: Option<Category>,
    /// Of this document.
    pub document_id: Option<DocumentId>,
    /// Of documents with this tag.
    pub tag: Option<String>,
}

/// Documents that are to pass a stage again; what is set must all hold. None of those in the trash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RerunSelection {
    /// Of this category.
    pub category: Option<Category>,
    /// With this tag.
    pub tag: Option<String>,
    /// This one.
    pub document_id: Option<DocumentId>,
    /// Those that have passed the stage, but never in its present version.
    pub outdated: bool,
}

/// Conditions of a WHERE that hold together, with their arguments.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<String>,
    pub values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition without an argument.
    pub fn fixed(&mut self, sql: impl Into<String>) {
        self.sql.push(sql.into());
    }

    /// Adds a condition where there is a value for its `?`.
    pub fn restrict(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.sql
                .push(sql.replace('?', &format!("${}", self.values.len())));
        }
    }

    /// Adds an argument of something else and names it.
    pub fn argument(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub fn sql(&self) -> String {
        if self.sql.is_empty() {
            "1 = 1".to_owned()
        } else {
            self.sql.join(" AND ")
        }
    }
}

const OF_CATEGORY: &str =
    "EXISTS (SELECT 1 FROM documents d WHERE d.id = q.document_id AND d.category = ?)";
const OF_TAG: &str =
    "EXISTS (SELECT 1 FROM document_tags t WHERE t.document_id = q.document_id AND t.tag = ?)";

impl Tx {
    /// The selected rows among those that stand in one of `statuses`, oldest first.
    pub async fn selected(
        &mut self,
        selection: &QueueSelection,
        statuses: &[Status],
    ) -> Result<Vec<QueueItemId>, StoreError> {
        let mut ids = Vec::new();
        // One at a time: each status has an index that holds nothing else.
        for status in statuses {
            if selection.status.is_none_or(|wanted| wanted == *status) {
                ids.extend(self.selected_of(selection, *status).await?);
            }
        }
        ids.sort();
        Ok(ids)
    }

    async fn selected_of(
        &mut self,
        selection: &QueueSelection,
        status: Status,
    ) -> Result<Vec<QueueItemId>, StoreError> {
        let mut such = Conditions::default();
        such.fixed(format!("q.status = '{status}'"));
        such.restrict("q.stage = ?", selection.stage.as_ref());
        such.restrict("q.error_code = ?", selection.error_code.as_ref());
        such.restrict("q.document_id = ?", selection.document_id.as_ref());
        such.restrict(OF_CATEGORY, selection.category.map(Category::as_str));
        such.restrict(OF_TAG, selection.tag.as_ref());
        let sql = format!("SELECT q.id FROM processing_queue q WHERE {}", such.sql());
        let rows = self.fetch(sql, such.values).await?;
        rows.into_iter()
            .map(|mut row| Ok(QueueItemId(row.text()?)))
            .collect()
    }

    /// The documents out of the trash that are to pass the stage (of that version) again, oldest first. Whether the stage is
    /// for them at all is for the caller to ask.
    pub async fn documents_to_rerun(
        &mut self,
        stage: &str,
        version: i64,
        selection: &RerunSelection,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let mut such = Conditions::default();
        such.fixed("d.trashed_at IS NULL");
        such.restrict("d.id = ?", selection.document_id.as_ref());
        such.restrict("d.category = ?", selection.category.map(Category::as_str));
        such.restrict(
            "EXISTS (SELECT 1 FROM document_tags t WHERE t.document_id = d.id AND t.tag = ?)",
            selection.tag.as_ref(),
        );
        if selection.outdated {
            let (stage, version) = (such.argument(stage), such.argument(version));
            let passed = format!(
                "(SELECT 1 FROM processing_queue q WHERE q.document_id = d.id AND q.stage = {stage} \
                    AND q.status = 'completed' AND q.stage_version"
            );
            such.fixed(format!("EXISTS {passed} < {version})"));
            such.fixed(format!("NOT EXISTS {passed} >= {version})"));
        }
        let sql = format!(
            "SELECT d.id FROM documents d WHERE {} ORDER BY d.id",
            such.sql()
        );
        let rows = self.fetch(sql, such.values).await?;
        rows.into_iter()
            .map(|mut row| Ok(DocumentId(row.text()?)))
            .collect()
    }
}

/// How often a batch is tried that met another writer.
const BATCH_TRIES: usize = 5;

/// What is done to a batch of rows.
#[derive(Clone, Copy)]
enum Steer {
    Retry,
    Cancel,
}

impl Store {
    /// Makes the selected rows that have failed (or were cancelled, where the selection says so) pending again. `progress`
    /// is told how many of how many rows have been looked at. Returns how many are pending now.
    ///
    /// # Errors
    /// The database cannot be reached; the batches before that are done.
    pub async fn retry_selected(
        &self,
        selection: &QueueSelection,
        now: Timestamp,
        progress: impl FnMut(usize, usize) + Send,
    ) -> Result<u64, StoreError> {
        let ended = selection.status.unwrap_or(Status::Failed);
        let ids = self.read().await?.selected(selection, &[ended]).await?;
        self.in_batches(Steer::Retry, &ids, now, progress).await
    }

    /// Stops the selected rows that are pending or running. `progress` is told how many of how many rows have been looked
    /// at. Returns how many were stopped.
    ///
    /// # Errors
    /// The database cannot be reached; the batches before that are done.
    pub async fn cancel_selected(
        &self,
        selection: &QueueSelection,
        now: Timestamp,
        progress: impl FnMut(usize, usize) + Send,
    ) -> Result<u64, StoreError> {
        let open = [Status::Pending, Status::Processing];
        let ids = self.read().await?.selected(selection, &open).await?;
        self.in_batches(Steer::Cancel, &ids, now, progress).await
    }

    async fn in_batches(
        &self,
        steer: Steer,
        ids: &[QueueItemId],
        now: Timestamp,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<u64, StoreError> {
        let (mut count, mut done) = (0, 0);
        for batch in ids.chunks(STEER_BATCH) {
            count += self.steer(steer, batch, now).await?;
            done += batch.len();
            progress(done, ids.len());
        }
        Ok(count)
    }

    async fn steer(
        &self,
        steer: Steer,
        batch: &[QueueItemId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_steer(steer, batch, now).await {
                Err(error) if error.is_conflict() && tries < BATCH_TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    async fn try_steer(
        &self,
        steer: Steer,
        batch: &[QueueItemId],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let count = match steer {
            Steer::Retry => tx.retry_all(batch, now).await?,
            Steer::Cancel => tx.cancel_all(batch, now).await?,
        };
        tx.commit().await?;
        Ok(count)
    }
}
