//! The queue's promises hold after every step of a long random walk through everything that can happen to it.

use std::collections::{HashMap, HashSet};

use model::{
    Clock, DocumentId, ManualClock, QueueItem, QueueItemId, Random, SeededRandom, Status,
    SystemClock, SystemRandom, new_uuid,
};
use store::{Claim, Enqueue, Failure, Heartbeat, QueueFilter, Tx};

use crate::bed::{Bed, NOW, document};
use crate::conformance;

conformance!(promises_hold_after_every_step);

const SEED: u64 = 20_260_417;
const STEPS: usize = 3_000;
const DOCUMENTS: usize = 4;
const STAGES: [&str; 2] = ["extract", "stt"];
const MAX_ATTEMPTS: i64 = 3;
const LEASE_MS: i64 = 1_000;

async fn promises_hold_after_every_step(bed: Bed) {
    // All in one transaction, which costs no disk: the state machine is in the statements.
    let tx = bed.write().await.unwrap();
    let mut walk = Walk::new(tx).await;
    for step in 0..STEPS {
        let what = walk.step().await;
        walk.check(&format!("seed {SEED}, step {step}: {what}"))
            .await;
    }
    let missed: Vec<_> = Status::ALL
        .iter()
        .filter(|status| !walk.seen.contains(*status))
        .collect();
    assert!(missed.is_empty(), "the walk never met {missed:?}");
    assert!(walk.refused > 50, "lost claims tried to end runs");
}

struct Walk {
    tx: Tx,
    clock: ManualClock,
    random: SeededRandom,
    documents: Vec<DocumentId>,
    /// Every claim ever given out that has not been used to end its run, lost ones too.
    claims: Vec<QueueItem>,
    /// The rows after the last step.
    rows: HashMap<QueueItemId, QueueItem>,
    seen: HashSet<Status>,
    refused: usize,
}

impl Walk {
    async fn new(mut tx: Tx) -> Self {
        let mut documents = vec![];
        for n in 0..DOCUMENTS {
            let document = document(&format!("d{n}"));
            tx.insert_document(&document, None).await.unwrap();
            documents.push(document.id);
        }
        Self {
            tx,
            clock: ManualClock::new(NOW),
            random: SeededRandom::new(SEED),
            documents,
            claims: vec![],
            rows: HashMap::new(),
            seen: HashSet::new(),
            refused: 0,
        }
    }

    fn pick(&self, below: usize) -> usize {
        ((self.random.unit() * below as f64) as usize).min(below - 1)
    }

    async fn step(&mut self) -> &'static str {
        match self.pick(100) {
            0..25 => self.enqueue().await,
            25..50 => self.claim().await,
            50..58 => self.heartbeat().await,
            58..80 => self.end_a_run().await,
            80..84 => self.steer(true).await,
            84..88 => self.steer(false).await,
            88..92 => self.take_back().await,
            _ => {
                let ms = [1, 100, LEASE_MS, 5 * LEASE_MS][self.pick(4)];
                self.clock.advance_ms(ms);
                "time passes"
            }
        }
    }

    async fn enqueue(&mut self) -> &'static str {
        let now = self.clock.now();
        let work = Enqueue {
            id: QueueItemId::new(&SystemClock, &SystemRandom),
            document_id: self.documents[self.pick(DOCUMENTS)].clone(),
            stage: STAGES[self.pick(2)].to_owned(),
            priority: [model::Priority::Bulk, model::Priority::Person][self.pick(2)],
            run_at: now.plus_ms([0, 500][self.pick(2)]),
            max_attempts: MAX_ATTEMPTS,
            stage_version: 1,
        };
        let was_pending = self.rows.values().any(|row| {
            row.status == Status::Pending
                && row.document_id == work.document_id
                && row.stage == work.stage
        });
        let added = self.tx.enqueue(&work, now).await.unwrap();
        assert_eq!(added, !was_pending);
        "enqueue"
    }

    async fn claim(&mut self) -> &'static str {
        let now = self.clock.now();
        let lease_id = new_uuid(&SystemClock, &SystemRandom);
        let claim = Claim {
            stage: STAGES[self.pick(2)],
            worker: ["one", "two"][self.pick(2)],
            lease_id: &lease_id,
            lease_until: now.plus_ms(LEASE_MS),
            limit: 1 + self.pick(3) as i64,
            pick: store::Pick::Any,
        };
        for item in self.tx.claim(&claim, now).await.unwrap() {
            let before = &self.rows[&item.id];
            assert_eq!(before.status, Status::Pending);
            assert!(before.run_at <= now, "before its time");
            assert_eq!(item.attempts, before.attempts + 1);
            self.claims.push(item);
        }
        "claim"
    }

    /// Whether the claim is the row's.
    fn holds(&self, claim: &QueueItem) -> bool {
        self.rows
            .get(&claim.id)
            .is_some_and(|row| row.status == Status::Processing && row.lease_id == claim.lease_id)
    }

    async fn heartbeat(&mut self) -> &'static str {
        if self.claims.is_empty() {
            return "no heartbeat";
        }
        let claim = &self.claims[self.pick(self.claims.len())];
        let beat = Heartbeat {
            id: claim.id.clone(),
            lease_id: claim.lease_id.clone().unwrap(),
            progress: Some(self.random.unit()),
        };
        let holds = self.holds(claim);
        let until = self.clock.now().plus_ms(LEASE_MS);
        let held = self.tx.heartbeat(&[beat], until).await.unwrap();
        assert_eq!(!held.is_empty(), holds, "only a claim that holds is kept");
        "heartbeat"
    }

    async fn end_a_run(&mut self) -> &'static str {
        if self.claims.is_empty() {
            return "no run to end";
        }
        let claim = self.claims.swap_remove(self.pick(self.claims.len()));
        let holds = self.holds(&claim);
        let now = self.clock.now();
        let later = now.plus_ms(700);
        let reason = Failure {
            code: "broken".into(),
            message: ["why", " ", ""][self.pick(3)].into(),
        };
        let (what, ended) = match self.pick(5) {
            0 => ("complete", self.tx.complete(&claim, 1, now).await),
            1 => ("fail", self.tx.fail(&claim, &reason, now).await),
            // As the runner does: no try is left, so it is failed.
            2 if claim.attempts >= MAX_ATTEMPTS => {
                ("give up", self.tx.fail(&claim, &reason, now).await)
            }
            2 => ("retry", self.tx.retry_at(&claim, &reason, later, now).await),
            3 => (
                "wait",
                self.tx.wait_for(&claim, "model", &reason, later, now).await,
            ),
            _ => ("hand back", self.tx.hand_back(&claim, now).await),
        };
        assert_eq!(ended.unwrap(), holds, "{what}: only by a claim that holds");
        self.refused += usize::from(!holds);
        what
    }

    /// A person cancels or retries any row.
    async fn steer(&mut self, cancel: bool) -> &'static str {
        let mut ids: Vec<_> = self.rows.keys().cloned().collect();
        if ids.is_empty() {
            return "nothing to steer";
        }
        ids.sort();
        let id = &ids[self.pick(ids.len())];
        let now = self.clock.now();
        if cancel {
            let open = matches!(self.rows[id].status, Status::Pending | Status::Processing);
            assert_eq!(self.tx.cancel(id, now).await.unwrap(), open);
            return "cancel";
        }
        let over = matches!(self.rows[id].status, Status::Processing | Status::Completed);
        assert_eq!(self.tx.retry(id, now).await.unwrap(), !over);
        "retry by a person"
    }

    async fn take_back(&mut self) -> &'static str {
        let now = self.clock.now();
        match self.pick(3) {
            0 => {
                self.tx.wake_waiting("model", now).await.unwrap();
                "wake what waits"
            }
            1 => {
                self.tx.release_worker("one", now).await.unwrap();
                "release a worker"
            }
            _ => {
                self.tx.rescue(now).await.unwrap();
                "rescue"
            }
        }
    }

    async fn check(&mut self, when: &str) {
        let filter = QueueFilter {
            limit: 100_000,
            ..QueueFilter::default()
        };
        let rows = self.tx.queue_items(&filter).await.unwrap();
        let mut open = HashSet::new();
        for row in &rows {
            self.seen.insert(row.status);
            let running = row.status == Status::Processing;
            if running || row.status == Status::Pending {
                let only = open.insert((row.document_id.clone(), row.stage.clone(), running));
                assert!(only, "{when}: two {} for {row:?}", row.status);
            }
            check_row(row, when);
        }
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        for gone in self.rows.values().filter(|row| !rows.contains_key(&row.id)) {
            let twin = (gone.document_id.clone(), gone.stage.clone(), false);
            assert!(open.contains(&twin), "{when}: lost {gone:?}");
        }
        self.rows = rows;
    }
}

fn check_row(row: &QueueItem, when: &str) {
    let running = row.status == Status::Processing;
    let held = [
        row.lease_id.is_some(),
        row.lease_until.is_some(),
        row.worker.is_some(),
    ];
    assert_eq!(held, [running; 3], "{when}: {row:?}");
    assert!(
        (0..=row.max_attempts).contains(&row.attempts),
        "{when}: {row:?}"
    );
    let ended = matches!(
        row.status,
        Status::Completed | Status::Failed | Status::Cancelled
    );
    assert_eq!(row.completed_at.is_some(), ended, "{when}: {row:?}");
    let message = row.error_message.as_deref();
    assert_ne!(message.map(str::trim), Some(""), "{when}: {row:?}");
    assert!(
        message.is_some() || row.status != Status::Failed,
        "{when}: {row:?}"
    );
}
