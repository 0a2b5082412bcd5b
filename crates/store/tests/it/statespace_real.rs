//! The real store put into any state of the model, asked for one operation, and read back in the model's words.

use model::{DocumentId, Priority, QueueItem, QueueItemId, Status, Timestamp};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Claim, Enqueue, Failure, Heartbeat, Pick, Store, StoreError, StoreOptions, Tx};
use testkit::TestPostgres;

use crate::database::{NOW, document};
use crate::statespace_model::{
    Cause, Due, Hold, LATER_MS, LEASE_MS, Lease, MAX_ATTEMPTS, NEW_VERSION, OLD_VERSION, Op,
    Outcome, Progress, RETRY_MS, Row, State, Step, Until, WAIT_MS,
};

const DOCUMENTS: u8 = 3;
/// Between two moments of which only the order matters, in milliseconds; the oldest is ten of them ago.
const MOMENT_MS: i64 = 10;
/// How long a restored live lease still holds, in milliseconds: less than a new one.
const LIVE_MS: i64 = 30_000;
const WAITED_FOR: &str = "model";

enum Raw {
    Sqlite(
        SqliteConnection,
        #[allow(dead_code, reason = "cleans up")] tempfile::TempDir,
    ),
    Postgres(
        PgConnection,
        #[allow(dead_code, reason = "cleans up")] TestPostgres,
    ),
}

/// A database of its own, steered past the store as well.
pub struct Real {
    pub store: Store,
    raw: Raw,
}

impl Real {
    pub async fn sqlite() -> Self {
        // In memory where the system has such a folder: the search is about rows, not about disks.
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let store = open(&url).await;
        let raw = SqliteConnection::connect(&url).await.unwrap();
        Self::with_documents(store, Raw::Sqlite(raw, folder)).await
    }

    pub async fn postgres() -> Self {
        let database = TestPostgres::create();
        let url = database.url();
        let store = open(&url).await;
        let mut raw = PgConnection::connect(&url).await.unwrap();
        // What is restored a thousand times need not be on the disk each time.
        let setting = "SET synchronous_commit = off";
        sqlx::raw_sql(setting).execute(&mut raw).await.unwrap();
        Self::with_documents(store, Raw::Postgres(raw, database)).await
    }

    async fn with_documents(store: Store, raw: Raw) -> Self {
        let mut tx = store.write().await.unwrap();
        for number in 0..DOCUMENTS {
            let mut document = document(&format!("document {number}"));
            document.id = document_id(number);
            tx.insert_document(&document, None).await.unwrap();
        }
        tx.commit().await.unwrap();
        Self { store, raw }
    }

    async fn run_raw(&mut self, sql: String) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match &mut self.raw {
            Raw::Sqlite(raw, _) => sql.execute(raw).await.map(|_| ()),
            Raw::Postgres(raw, _) => sql.execute(raw).await.map(|_| ()),
        }
        .unwrap();
    }

    /// The first column of every row.
    pub async fn ask_raw(&mut self, sql: &'static str) -> Vec<String> {
        match &mut self.raw {
            Raw::Sqlite(raw, _) => sqlx::query_scalar(sql).fetch_all(raw).await,
            Raw::Postgres(raw, _) => sqlx::query_scalar(sql).fetch_all(raw).await,
        }
        .unwrap()
    }

    /// How many of this PostgreSQL database's connections wait for a lock that another holds.
    pub async fn waiting_for_locks(&mut self) -> usize {
        let sql = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.ask_raw(sql).await.len()
    }

    /// Makes the queue's rows those of the state.
    pub async fn restore(&mut self, state: &State) {
        let mut sql = "BEGIN; DELETE FROM processing_queue; DELETE FROM paused_stages; DELETE FROM queue_troubles; \
            DELETE FROM stage_minutes;"
            .to_owned();
        for (id, row) in state.rows.iter().enumerate() {
            sql += &insert(id, row);
        }
        for stage in 0..8 {
            if state.paused & (1 << stage) != 0 {
                let name = stage_name(stage);
                sql +=
                    &format!("INSERT INTO paused_stages (stage, paused_at) VALUES ('{name}', 1);");
            }
        }
        self.run_raw(sql + "COMMIT;").await;
    }

    /// Every row as the database has it.
    pub async fn read(&mut self) -> Found {
        let mut rows = self.ask_raw(READ).await;
        let paused = rows.iter().filter_map(|line| line.strip_prefix(PAUSED));
        let paused = paused.map(|name| 1 << stage_number(name)).sum();
        rows.retain(|line| !line.starts_with(PAUSED));
        Found { rows, paused }
    }

    /// One operation, committed.
    pub async fn run(&self, state: &State, op: Op) -> Outcome {
        let mut tx = self.store.write().await.unwrap();
        let outcome = call(&mut tx, state, op, 0).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }
}

async fn open(url: &str) -> Store {
    Store::open(url, &StoreOptions::default()).await.unwrap()
}

fn document_id(number: u8) -> DocumentId {
    DocumentId(format!("d{number}"))
}

fn row_id(number: usize) -> QueueItemId {
    QueueItemId(format!("r{number:035}"))
}

fn stage_name(number: u8) -> String {
    format!("s{number}")
}

fn stage_number(name: &str) -> u8 {
    name[1..].parse().unwrap()
}

/// Every column of a row, parted by bars, and the names of the paused stages after a word, so that both databases are read alike.
const READ: &str = "SELECT id || '|' || document_id || '|' || stage || '|' || status || '|' || priority || '|' || attempts \
    || '|' || max_attempts || '|' || run_at || '|' || COALESCE(started_at, 0) || '|' || COALESCE(completed_at, 0) \
    || '|' || COALESCE(lease_until, 0) || '|' || COALESCE(lease_id, '') || '|' || COALESCE(worker, '') \
    || '|' || CASE WHEN progress IS NULL THEN 0 WHEN progress = 0.5 THEN 1 ELSE 2 END \
    || '|' || COALESCE(waiting_for, '') || '|' || COALESCE(error_code, '') || '|' || COALESCE(error_message, '') \
    || '|' || stage_version || '|' || crashes FROM processing_queue \
    UNION ALL SELECT 'paused ' || stage FROM paused_stages ORDER BY 1";
const PAUSED: &str = "paused ";

fn insert(id: usize, row: &Row) -> String {
    let text = |text: Option<String>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
    let time = |ms: Option<i64>| ms.map_or("NULL".to_owned(), |ms| NOW.plus_ms(ms).0.to_string());
    let until = row.hold.map(|hold| match hold.until {
        Until::Over => -1,
        Until::Live | Until::Fresh => LIVE_MS,
    });
    let run_at = match row.due {
        Due::Past(rank) => MOMENT_MS * (i64::from(rank) - 10),
        Due::Now | Due::Never => -200,
        Due::Later(_) => LATER_MS,
    };
    let (code, message) = match row.cause {
        Cause::None => (None, None),
        _ => (
            Some("earlier".to_owned()),
            Some("For an earlier reason.".to_owned()),
        ),
    };
    let values = [
        format!("'{}'", row_id(id)),
        format!("'{}'", document_id(row.document)),
        format!("'{}'", stage_name(row.stage)),
        format!("'{}'", row.status),
        priority(row).as_i64().to_string(),
        row.attempts.to_string(),
        MAX_ATTEMPTS.to_string(),
        NOW.plus_ms(run_at).0.to_string(),
        time(Some(-5000)),
        time((row.attempts > 0).then_some(-2000)),
        time((!row.is_open()).then_some(-1000)),
        time(until),
        text(row.hold.map(|hold| format!("held-{}", hold.worker))),
        text(row.hold.map(|hold| worker_name(hold.worker))),
        match row.progress {
            Progress::None => "NULL".to_owned(),
            Progress::Half => "0.5".to_owned(),
            Progress::One => "1.0".to_owned(),
        },
        text(row.waiting.then(|| WAITED_FOR.to_owned())),
        text(code),
        text(message),
        row.version.to_string(),
        row.crashes.to_string(),
    ];
    format!(
        "INSERT INTO processing_queue (id, document_id, stage, status, priority, attempts, max_attempts, run_at, created_at, \
         started_at, completed_at, lease_until, lease_id, worker, progress, waiting_for, error_code, error_message, \
         stage_version, crashes) VALUES ({});",
        values.join(", ")
    )
}

fn priority(row: &Row) -> Priority {
    if row.person {
        Priority::Person
    } else {
        Priority::Bulk
    }
}

fn worker_name(number: u8) -> String {
    format!("w{number}")
}

/// What was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    rows: Vec<String>,
    paused: u8,
}

impl Found {
    /// The rows in the model's words, with their ids; the invariants of every single row hold, or this panics.
    pub fn rows(&self) -> Vec<(usize, Row)> {
        let rows = self.rows.iter();
        rows.map(|line| {
            let seen = Seen::new(line);
            seen.check();
            (seen.text(ID)[1..].parse().unwrap(), seen.row())
        })
        .collect()
    }

    pub fn step(&self, outcome: Outcome) -> Step {
        Step {
            outcome,
            rows: self.rows(),
            paused: self.paused,
        }
    }
}

const ID: usize = 0;
const DOCUMENT: usize = 1;
const STAGE: usize = 2;
const STATUS: usize = 3;
const PRIORITY: usize = 4;
const ATTEMPTS: usize = 5;
const TRIES: usize = 6;
const RUN_AT: usize = 7;
const STARTED_AT: usize = 8;
const COMPLETED_AT: usize = 9;
const LEASE_UNTIL: usize = 10;
const LEASE_ID: usize = 11;
const WORKER: usize = 12;
const PROGRESS: usize = 13;
const WAITING_FOR: usize = 14;
const ERROR_CODE: usize = 15;
const ERROR_MESSAGE: usize = 16;
const STAGE_VERSION: usize = 17;
const CRASHES: usize = 18;

/// One row as it was read.
struct Seen<'a> {
    line: &'a str,
    columns: Vec<&'a str>,
}

impl<'a> Seen<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            line,
            columns: line.split('|').collect(),
        }
    }

    fn text(&self, column: usize) -> &'a str {
        self.columns[column]
    }

    fn number(&self, column: usize) -> i64 {
        self.text(column).parse().unwrap()
    }

    fn has(&self, column: usize) -> bool {
        !matches!(self.text(column), "" | "0")
    }

    fn status(&self) -> Status {
        self.text(STATUS).parse().unwrap()
    }

    /// What holds of every row at any time.
    fn check(&self) {
        let (line, status) = (self.line, self.status());
        let running = status == Status::Processing;
        let open = running || status == Status::Pending;
        for column in [LEASE_UNTIL, LEASE_ID, WORKER] {
            assert_eq!(
                self.has(column),
                running,
                "a lease if and only if it runs: {line}"
            );
        }
        assert_eq!(
            self.has(COMPLETED_AT),
            !open,
            "an end if and only if it ended: {line}"
        );
        let attempts = self.number(ATTEMPTS);
        assert!((0..=MAX_ATTEMPTS).contains(&attempts), "attempts: {line}");
        assert!(attempts > 0 || !running, "a run is an attempt: {line}");
        assert_eq!(self.number(TRIES), MAX_ATTEMPTS, "{line}");
        if status == Status::Failed {
            assert!(self.has(ERROR_CODE), "a failure says why: {line}");
        }
        let message = !self.text(ERROR_MESSAGE).trim().is_empty();
        assert_eq!(
            self.has(ERROR_CODE),
            message,
            "a code and a message, or none: {line}"
        );
        let waits = self.has(WAITING_FOR);
        assert!(
            !waits || status == Status::Pending,
            "only a pending row waits: {line}"
        );
        let due_before_it_gave_up = attempts < MAX_ATTEMPTS;
        assert!(
            due_before_it_gave_up || status != Status::Pending,
            "a try is left: {line}"
        );
    }

    fn row(&self) -> Row {
        Row {
            document: stage_number(self.text(DOCUMENT)),
            stage: stage_number(self.text(STAGE)),
            status: self.status(),
            person: Priority::from(self.number(PRIORITY)) == Priority::Person,
            attempts: self.number(ATTEMPTS),
            crashes: self.number(CRASHES),
            due: self.due(),
            waiting: self.has(WAITING_FOR),
            hold: self.hold(),
            cause: self.cause(),
            progress: [Progress::None, Progress::Half, Progress::One]
                [self.number(PROGRESS) as usize],
            version: self.number(STAGE_VERSION),
        }
    }

    fn due(&self) -> Due {
        if self.status() != Status::Pending {
            return Due::Never;
        }
        match self.number(RUN_AT) - NOW.0 {
            ms @ ..0 => Due::Past(u8::try_from(ms / MOMENT_MS + 10).unwrap()),
            0 => Due::Now,
            ms => Due::Later(ms),
        }
    }

    fn hold(&self) -> Option<Hold> {
        let (kind, claimer) = self.text(LEASE_ID).split_once('-')?;
        let worker = self.text(WORKER).strip_prefix('w').unwrap();
        assert_eq!(worker, claimer, "the lease is its worker's: {}", self.line);
        let new = kind == "new";
        if new {
            assert_eq!(
                self.number(STARTED_AT),
                NOW.0,
                "it began now: {}",
                self.line
            );
        }
        Some(Hold {
            worker: worker.parse().unwrap(),
            until: match self.number(LEASE_UNTIL) - NOW.0 {
                -1 => Until::Over,
                LIVE_MS => Until::Live,
                LEASE_MS => Until::Fresh,
                ms => panic!("a lease of {ms} ms: {}", self.line),
            },
            new,
        })
    }

    fn cause(&self) -> Cause {
        match (self.text(ERROR_CODE), self.status()) {
            ("", _) => Cause::None,
            ("earlier", _) => Cause::Earlier,
            ("given", _) => Cause::Given,
            ("worker_lost", Status::Failed) => Cause::Poison,
            ("worker_lost", _) => Cause::Lost,
            ("cancelled", _) => Cause::Cancelled,
            (code, _) => panic!("nobody gave the code {code}: {}", self.line),
        }
    }
}

/// Runs one operation as its caller would. `added_before` tells apart the rows that callers add at once.
pub async fn call(
    tx: &mut Tx,
    state: &State,
    op: Op,
    added_before: usize,
) -> Result<Outcome, StoreError> {
    let failure = Failure {
        code: "given".into(),
        message: "What the stage said.".into(),
    };
    let (later, wait) = (NOW.plus_ms(RETRY_MS), NOW.plus_ms(WAIT_MS));
    let run = |id, lease| item(state, id, lease);
    Ok(match op {
        Op::Enqueue {
            document,
            stage,
            person,
        } => {
            let work = work(state, document, stage, person, added_before);
            Outcome::Was(tx.enqueue(&work, NOW).await?)
        }
        Op::Claim {
            stage,
            worker,
            limit,
            pick,
        } => claim(tx, stage, worker, limit, pick).await?,
        Op::Heartbeat(id, lease) => beat(tx, &[run(id, lease)]).await?,
        Op::HeartbeatAll(worker) => {
            let leases = state.rows.iter().map(|row| match row.hold {
                Some(hold) if hold.worker == worker => Lease::Held,
                _ => Lease::Stale,
            });
            let runs: Vec<_> = leases
                .enumerate()
                .map(|(id, lease)| run(id, lease))
                .collect();
            beat(tx, &runs).await?
        }
        Op::Pass => Outcome::Nothing,
        Op::Rescue => Outcome::Count(tx.rescue(NOW).await?),
        Op::Release(worker) => Outcome::Count(tx.release_worker(&worker_name(worker), NOW).await?),
        Op::Complete(id, lease) => {
            Outcome::Was(tx.complete(&run(id, lease), NEW_VERSION, NOW).await?)
        }
        Op::CompleteAndEnqueue(id, lease, stage) => {
            let held = tx.complete(&run(id, lease), NEW_VERSION, NOW).await?;
            if held {
                let work = work(state, state.rows[id].document, stage, false, added_before);
                tx.enqueue(&work, NOW).await?;
            }
            Outcome::Was(held)
        }
        Op::Fail(id, lease) => Outcome::Was(tx.fail(&run(id, lease), &failure, NOW).await?),
        Op::RetryAt(id, lease) => {
            Outcome::Was(tx.retry_at(&run(id, lease), &failure, later, NOW).await?)
        }
        Op::WaitFor(id, lease) => Outcome::Was(
            tx.wait_for(&run(id, lease), WAITED_FOR, &failure, wait, NOW)
                .await?,
        ),
        Op::HandBack(id, lease) => Outcome::Was(tx.hand_back(&run(id, lease), NOW).await?),
        Op::Wake => Outcome::Count(tx.wake_waiting(WAITED_FOR, NOW).await?),
        Op::Cancel(id) => Outcome::Was(tx.cancel(&row_id(id), NOW).await?),
        Op::Retry(id) => Outcome::Was(tx.retry(&row_id(id), NOW).await?),
        Op::RetryFailed => Outcome::Count(tx.retry_failed(None, NOW).await?),
        Op::Pause(stage) => {
            tx.pause_stage(&stage_name(stage), NOW).await?;
            Outcome::Nothing
        }
        Op::Resume(stage) => {
            tx.resume_stage(&stage_name(stage)).await?;
            Outcome::Nothing
        }
        Op::Prune => Outcome::Count(tx.prune_history(NOW.plus_ms(1)).await?),
    })
}

fn work(state: &State, document: u8, stage: u8, person: bool, added_before: usize) -> Enqueue {
    let priority = if person {
        Priority::Person
    } else {
        Priority::Bulk
    };
    Enqueue {
        id: row_id(state.rows.len() + added_before),
        document_id: document_id(document),
        stage: stage_name(stage),
        priority,
        run_at: NOW,
        max_attempts: MAX_ATTEMPTS,
        stage_version: OLD_VERSION,
    }
}

async fn claim(
    tx: &mut Tx,
    stage: u8,
    worker: u8,
    limit: usize,
    pick: Pick,
) -> Result<Outcome, StoreError> {
    let claim = Claim {
        stage: &stage_name(stage),
        worker: &worker_name(worker),
        lease_id: &format!("new-{worker}"),
        lease_until: NOW.plus_ms(LEASE_MS),
        limit: limit as i64,
        pick,
    };
    let items = tx.claim(&claim, NOW).await?;
    Ok(numbers(items.iter().map(|item| &item.id)))
}

async fn beat(tx: &mut Tx, runs: &[QueueItem]) -> Result<Outcome, StoreError> {
    let beats: Vec<_> = runs
        .iter()
        .map(|run| Heartbeat {
            id: run.id.clone(),
            lease_id: run.lease_id.clone().unwrap_or_default(),
            progress: Some(0.5),
        })
        .collect();
    let held = tx.heartbeat(&beats, NOW.plus_ms(LEASE_MS)).await?;
    let mut held: Vec<_> = held.iter().collect();
    held.sort();
    Ok(numbers(held.into_iter()))
}

fn numbers<'a>(ids: impl Iterator<Item = &'a QueueItemId>) -> Outcome {
    Outcome::Rows(ids.map(|id| id.0[1..].parse().unwrap()).collect())
}

/// The run as its worker remembers it.
fn item(state: &State, id: usize, lease: Lease) -> QueueItem {
    let row = &state.rows[id];
    let worker = row.hold.map_or(0, |hold| hold.worker);
    QueueItem {
        id: row_id(id),
        document_id: document_id(row.document),
        stage: stage_name(row.stage),
        status: Status::Processing,
        priority: priority(row),
        attempts: row.attempts.max(1),
        max_attempts: MAX_ATTEMPTS,
        run_at: NOW.plus_ms(-200),
        created_at: NOW.plus_ms(-5000),
        started_at: Some(NOW.plus_ms(-2000)),
        completed_at: None,
        lease_until: Some(Timestamp(NOW.0 + LIVE_MS)),
        lease_id: match lease {
            Lease::Held => Some(format!("held-{worker}")),
            Lease::Stale => Some("stale".to_owned()),
            Lease::Absent => None,
        },
        worker: Some(worker_name(worker)),
        progress: None,
        waiting_for: None,
        error_code: None,
        error_message: None,
        stage_version: OLD_VERSION,
        crashes: row.crashes,
    }
}
