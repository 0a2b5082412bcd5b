//! The queue's state machine, first half: work is asked for, claimed, and kept alive.
//!
//! Every transition is one statement, guarded by the state it starts from. How runs end is in `queue_ends`, what becomes of
//! those whose worker is gone in `queue_rescue`.

use std::collections::{BTreeMap, HashSet};

use model::{DocumentId, Priority, QueueItem, QueueItemId, Status, Timestamp};

use super::Tx;
use crate::value::{Row, Value, args};
use crate::{Event, StoreError};

pub(super) const COLUMNS: &str = "id, document_id, stage, status, priority, attempts, max_attempts, run_at, created_at, \
    started_at, completed_at, lease_until, lease_id, worker, progress, waiting_for, error_code, error_message, \
    stage_version, crashes";

/// From how many deaths of its worker on a row is suspected to cause them.
pub(super) const SUSPECT: i64 = 2;

/// Characters of a row's id, a UUID.
const ID_LENGTH: usize = 36;

/// Rows that one statement adds at most.
const ENQUEUE_BATCH: usize = 1000;

/// Work to be done on a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Enqueue {
    /// Id of the row, if one is added.
    pub id: QueueItemId,
    /// Its document.
    pub document_id: DocumentId,
    /// Its stage.
    pub stage: String,
    /// Higher goes first.
    pub priority: Priority,
    /// Not before.
    pub run_at: Timestamp,
    /// How often it is tried.
    pub max_attempts: i64,
    /// Version of the stage.
    pub stage_version: i64,
}

/// Which of the due rows a claim may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick {
    /// Any that is not suspected to kill its worker.
    #[default]
    Any,
    /// Only those a person waits for.
    Person,
    /// Only those suspected to kill their worker. Whoever claims them runs one at a time, so that it is known whose fault it is.
    Suspect,
}

/// A wish for work.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim<'a> {
    /// Of which stage.
    pub stage: &'a str,
    /// Who asks.
    pub worker: &'a str,
    /// Names this claim; never used twice.
    pub lease_id: &'a str,
    /// How long the claim holds without a heartbeat.
    pub lease_until: Timestamp,
    /// How many rows at most.
    pub limit: i64,
    /// Which of them.
    pub pick: Pick,
}

/// A sign of life of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The row.
    pub id: QueueItemId,
    /// The claim.
    pub lease_id: String,
    /// How far it is, 0 to 1.
    pub progress: Option<f64>,
}

pub(super) fn read_item(mut row: Row) -> Result<QueueItem, StoreError> {
    Ok(QueueItem {
        id: QueueItemId(row.text()?),
        document_id: DocumentId(row.text()?),
        stage: row.text()?,
        status: row.parsed()?,
        priority: Priority::from(row.int()?),
        attempts: row.int()?,
        max_attempts: row.int()?,
        run_at: row.time()?,
        created_at: row.time()?,
        started_at: row.opt_time()?,
        completed_at: row.opt_time()?,
        lease_until: row.opt_time()?,
        lease_id: row.opt_text()?,
        worker: row.opt_text()?,
        progress: row.opt_real()?,
        waiting_for: row.opt_text()?,
        error_code: row.opt_text()?,
        error_message: row.opt_text()?,
        stage_version: row.int()?,
        crashes: row.int()?,
    })
}

pub(super) fn read_items(rows: Vec<Row>) -> Result<Vec<QueueItem>, StoreError> {
    rows.into_iter().map(read_item).collect()
}

impl Tx {
    /// Asks for a run. While one is pending this changes nothing but raises its priority; while one is running it asks for
    /// one more afterwards. Returns whether a row was added.
    pub async fn enqueue(&mut self, work: &Enqueue, now: Timestamp) -> Result<bool, StoreError> {
        let added = self.enqueue_all(std::slice::from_ref(work), now).await?;
        Ok(added > 0)
    }

    /// Asks for many runs at once, each as [`Tx::enqueue`] does. Returns how many rows were added.
    pub async fn enqueue_all(
        &mut self,
        works: &[Enqueue],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut added = 0;
        for alike in alike(works).values() {
            // One statement must not touch a row twice.
            let mut seen = HashSet::new();
            let (first, again): (Vec<_>, Vec<_>) = alike
                .iter()
                .copied()
                .partition(|work| seen.insert(&work.document_id));
            for batch in first.chunks(ENQUEUE_BATCH) {
                added += self.insert_pending(batch, now).await?;
            }
            for work in again {
                added += self.insert_pending(&[work], now).await?;
            }
        }
        Ok(added)
    }

    /// Adds rows that differ in nothing but their id and their document.
    async fn insert_pending(
        &mut self,
        works: &[&Enqueue],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let Some(first) = works.first() else {
            return Ok(0);
        };
        if let Some(work) = works
            .iter()
            .find(|work| work.id.as_str().len() != ID_LENGTH)
        {
            return Err(StoreError::Unreadable(format!(
                "the row id {}",
                work.id.as_str()
            )));
        }
        // An id has 36 characters; the document's follows. The row that stays tells by its id whether it is the new one.
        let sql = format!(
            "INSERT INTO processing_queue (id, document_id, stage, status, priority, attempts, max_attempts, run_at, \
                created_at, stage_version, crashes) \
             SELECT substr(r.value, 1, 36), substr(r.value, 37), $2, 'pending', $3, 0, $4, $5, $6, $7, 0 FROM {} WHERE 1 = 1 \
             ON CONFLICT (document_id, stage) WHERE status = 'pending' DO UPDATE SET \
                priority = CASE WHEN excluded.priority > processing_queue.priority THEN excluded.priority \
                    ELSE processing_queue.priority END \
             RETURNING id",
            self.words.each("$1")
        );
        // Always in the same order, so that two transactions never wait for each other.
        let mut works = works.to_vec();
        works.sort_by(|a, b| a.document_id.cmp(&b.document_id));
        let keys = works
            .iter()
            .map(|work| format!("{}{}", work.id.as_str(), work.document_id.as_str()))
            .collect();
        let values = vec![
            Value::Texts(keys),
            Value::from(&first.stage),
            first.priority.as_i64().into(),
            first.max_attempts.into(),
            first.run_at.into(),
            now.into(),
            first.stage_version.into(),
        ];
        let mut stayed = HashSet::new();
        for mut row in self.fetch(sql, values).await? {
            stayed.insert(row.text()?);
        }
        let mut added = 0;
        for work in works {
            if stayed.contains(work.id.as_str()) {
                self.queue_changed(&work.id, &work.document_id, &work.stage, Status::Pending);
                added += 1;
            }
        }
        Ok(added)
    }

    /// Takes up to `limit` due rows of a stage that is not paused: highest priority first, oldest first within one. Rows
    /// whose document has a run of this stage going on are left for later. Counts the attempt. The rows come back with what
    /// a run needs; what the run before left in them (error, progress) stays in the database until this one ends.
    pub async fn claim(
        &mut self,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Vec<QueueItem>, StoreError> {
        let twin = "AND NOT EXISTS (SELECT 1 FROM processing_queue r \
            WHERE r.document_id = q.document_id AND r.stage = $1 AND r.status = 'processing')";
        self.claim_where(twin, claim, now).await
    }

    /// As [`Tx::claim`], but does not look whether a run of the same document goes on, which is seldom so and costs as much as
    /// all the rest of finding the row. Where one does, the database refuses the claim as a duplicate
    /// ([`StoreError::is_duplicate`]), and the transaction has to be done again with [`Tx::claim`].
    pub async fn claim_boldly(
        &mut self,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Vec<QueueItem>, StoreError> {
        self.claim_where("", claim, now).await
    }

    async fn claim_where(
        &mut self,
        condition: &str,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Vec<QueueItem>, StoreError> {
        // One column instead of nine: to hand a value over costs more than to write it.
        let sql = format!(
            "WITH picked AS MATERIALIZED ({}) \
             UPDATE processing_queue SET status = 'processing', attempts = attempts + 1, started_at = $2, \
                lease_until = $4, lease_id = $5, worker = $6, progress = NULL, waiting_for = NULL \
             FROM picked WHERE processing_queue.{row} = picked.place \
             RETURNING id || ' ' || document_id || ' ' || priority || ' ' || attempts || ' ' || max_attempts || ' ' || \
                run_at || ' ' || created_at || ' ' || stage_version || ' ' || crashes",
            self.picked(claim.pick, condition),
            row = self.words.row
        );
        let values = args![
            claim.stage,
            now,
            claim.limit,
            claim.lease_until,
            claim.lease_id,
            claim.worker
        ];
        let mut items = Vec::new();
        for mut row in self.fetch(sql, values).await? {
            items.push(claimed(&row.text()?, claim, now)?);
        }
        items.sort_by(|a, b| (b.priority, a.run_at, &a.id).cmp(&(a.priority, b.run_at, &b.id)));
        for item in &items {
            self.queue_changed(&item.id, &item.document_id, &item.stage, Status::Processing);
        }
        Ok(items)
    }

    /// The rows a claim takes. Each priority is looked up by itself, so that the index is entered at its first due row and
    /// left at its last: however many rows wait for a later time, none of them is walked past.
    fn picked(&self, pick: Pick, also: &str) -> String {
        let due = |condition: &str, order: &str| {
            format!(
                "SELECT place FROM (SELECT q.{} AS place FROM processing_queue q \
                    WHERE q.status = 'pending' AND q.stage = $1 AND {condition} AND q.run_at <= $2 {also} \
                      AND NOT EXISTS (SELECT 1 FROM paused_stages p WHERE p.stage = $1) \
                    ORDER BY {order} LIMIT $3 {}) AS due",
                self.words.row, self.words.skip_locked
            )
        };
        let class = |priority: Priority| {
            let number = priority.as_i64();
            due(
                &format!("q.priority = {number} AND q.crashes < {SUSPECT}"),
                "q.run_at, q.id",
            )
        };
        match pick {
            Pick::Any => {
                let classes = Priority::ALL.map(class).join(" UNION ALL ");
                format!("SELECT place FROM ({classes}) AS classes LIMIT $3")
            }
            Pick::Person => class(Priority::Person),
            Pick::Suspect => due(&format!("q.crashes >= {SUSPECT}"), "q.run_at"),
        }
    }

    /// Prolongs the claims and notes how far the runs are. Returns the ids of those that still hold; a run that is not
    /// among them has lost its claim and must stop.
    pub async fn heartbeat(
        &mut self,
        beats: &[Heartbeat],
        lease_until: Timestamp,
    ) -> Result<Vec<QueueItemId>, StoreError> {
        let sql = format!(
            "UPDATE processing_queue SET lease_until = $3, progress = COALESCE($4, progress) \
             WHERE id {} AND lease_id = $2 RETURNING id",
            self.words.any("$1")
        );
        let mut alike: BTreeMap<(&str, Option<u64>), Vec<String>> = BTreeMap::new();
        for beat in beats {
            let key = (beat.lease_id.as_str(), beat.progress.map(f64::to_bits));
            alike.entry(key).or_default().push(beat.id.0.clone());
        }
        let mut held = Vec::with_capacity(beats.len());
        for ((lease_id, progress), ids) in alike {
            let values = vec![
                Value::Texts(ids),
                lease_id.into(),
                lease_until.into(),
                progress.map(f64::from_bits).into(),
            ];
            for mut row in self.fetch(sql.clone(), values).await? {
                held.push(QueueItemId(row.text()?));
            }
        }
        Ok(held)
    }

    /// Makes everything that waits for `waiting_for` due now.
    pub async fn wake_waiting(
        &mut self,
        waiting_for: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let rows = self
            .fetch(
                "UPDATE processing_queue SET run_at = $2 WHERE status = 'pending' AND waiting_for = $1 AND run_at > $2 \
                 RETURNING id, document_id, stage",
                args![waiting_for, now],
            )
            .await?;
        let count = rows.len() as u64;
        for mut row in rows {
            let (id, document_id) = (QueueItemId(row.text()?), DocumentId(row.text()?));
            self.queue_changed(&id, &document_id, &row.text()?, Status::Pending);
        }
        Ok(count)
    }

    /// Those of the stages that have rows due which such a claim takes, whoever else runs them.
    pub async fn due_stages(
        &mut self,
        pick: Pick,
        stages: &[&str],
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let due = |condition: &str| {
            format!(
                "EXISTS (SELECT 1 FROM processing_queue q WHERE q.status = 'pending' AND q.stage = r.value AND {condition} \
                    AND q.run_at <= $2)"
            )
        };
        let class = |priority: Priority| {
            due(&format!(
                "q.priority = {} AND q.crashes < {SUSPECT}",
                priority.as_i64()
            ))
        };
        let any = match pick {
            Pick::Any => Priority::ALL.map(class).join(" OR "),
            Pick::Person => class(Priority::Person),
            Pick::Suspect => due(&format!("q.crashes >= {SUSPECT}")),
        };
        let sql = format!("SELECT r.value FROM {} WHERE {any}", self.words.each("$1"));
        let stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
        let rows = self
            .fetch(sql, vec![Value::Texts(stages), now.into()])
            .await?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    pub(super) fn queue_changed(
        &mut self,
        id: &QueueItemId,
        document_id: &DocumentId,
        stage: &str,
        status: Status,
    ) {
        // Thousands of rows a second are begun and done, mostly with nobody watching.
        if !matches!(status, Status::Pending | Status::Cancelled) && !self.hub.is_watched() {
            return;
        }
        self.events.push(Event::Queue {
            id: id.clone(),
            document_id: document_id.clone(),
            stage: stage.to_owned(),
            status,
            progress: None,
        });
    }
}

/// What must be equal for rows to be added by one statement: stage, priority, time, tries and version.
type Kind<'a> = (&'a str, Priority, Timestamp, i64, i64);

fn alike(works: &[Enqueue]) -> BTreeMap<Kind<'_>, Vec<&Enqueue>> {
    let mut kinds: BTreeMap<Kind<'_>, Vec<&Enqueue>> = BTreeMap::new();
    for work in works {
        let kind = (
            work.stage.as_str(),
            work.priority,
            work.run_at,
            work.max_attempts,
            work.stage_version,
        );
        kinds.entry(kind).or_default().push(work);
    }
    kinds
}

/// Reads what a claim returns of a row.
fn claimed(text: &str, claim: &Claim<'_>, now: Timestamp) -> Result<QueueItem, StoreError> {
    let mut fields = text.split(' ');
    let (Some(id), Some(document_id)) = (fields.next(), fields.next()) else {
        return Err(unreadable(text));
    };
    let mut number = || fields.next()?.parse::<i64>().ok();
    let mut next = || number().ok_or_else(|| unreadable(text));
    Ok(QueueItem {
        id: QueueItemId(id.to_owned()),
        document_id: DocumentId(document_id.to_owned()),
        priority: Priority::from(next()?),
        attempts: next()?,
        max_attempts: next()?,
        run_at: Timestamp(next()?),
        created_at: Timestamp(next()?),
        stage_version: next()?,
        crashes: next()?,
        stage: claim.stage.to_owned(),
        status: Status::Processing,
        started_at: Some(now),
        completed_at: None,
        lease_until: Some(claim.lease_until),
        lease_id: Some(claim.lease_id.to_owned()),
        worker: Some(claim.worker.to_owned()),
        progress: None,
        waiting_for: None,
        error_code: None,
        error_message: None,
    })
}

fn unreadable(text: &str) -> StoreError {
    StoreError::Unreadable(format!("the claimed row {text:?}"))
}
