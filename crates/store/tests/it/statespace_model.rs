//! What the queue's operations are to do, said once more without a database: rows in, outcome and rows out.
//!
//! Times are kept as what matters of them: a pending row is due (in an order) or not yet, a lease is live or over. Rows are
//! kept in the order of their ids, and a row's id is its place.

use model::Status;
use store::Pick;

/// How often every row may be tried.
pub const MAX_ATTEMPTS: i64 = 3;
/// From how many deaths of its worker on a row is a suspect.
const SUSPECT: i64 = 2;
/// How long a new lease, a retry and a wait are, in milliseconds.
pub const LEASE_MS: i64 = 60_000;
pub const RETRY_MS: i64 = 5_000;
pub const WAIT_MS: i64 = 20_000;
/// What a not yet due row is restored with: not due now, due when the clock has moved past every lease.
pub const LATER_MS: i64 = 1_000;

/// When a pending row is due. In the order of `run_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Due {
    /// Since a moment that only its order is known of.
    Past(u8),
    /// Since this very operation.
    Now,
    /// In so many milliseconds.
    Later(i64),
    /// The row is not pending.
    Never,
}

/// How long a lease holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Until {
    Over,
    Live,
    /// Live, and made so by this very operation.
    Fresh,
}

/// Who holds a running row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hold {
    pub worker: u8,
    pub until: Until,
    /// Claimed by this very operation.
    pub new: bool,
}

/// Where the row's error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    None,
    /// From before this operation.
    Earlier,
    /// What the operation was given.
    Given,
    /// The worker died and the row goes on.
    Lost,
    /// The worker died once too often.
    Poison,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Progress {
    None,
    Half,
    One,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub document: u8,
    pub stage: u8,
    pub status: Status,
    pub person: bool,
    pub attempts: i64,
    pub crashes: i64,
    pub due: Due,
    pub waiting: bool,
    pub hold: Option<Hold>,
    pub cause: Cause,
    pub progress: Progress,
    /// Completed with the version of this operation.
    pub version: i64,
}

impl Row {
    pub fn new(document: u8, stage: u8, person: bool) -> Self {
        Self {
            document,
            stage,
            status: Status::Pending,
            person,
            attempts: 0,
            crashes: 0,
            due: Due::Now,
            waiting: false,
            hold: None,
            cause: Cause::None,
            progress: Progress::None,
            version: OLD_VERSION,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Processing)
    }

    pub fn same_place(&self, other: &Self) -> bool {
        (self.document, self.stage) == (other.document, other.stage)
    }

    fn is_suspect(&self) -> bool {
        self.crashes >= SUSPECT
    }

    fn is_picked(&self, pick: Pick) -> bool {
        match pick {
            Pick::Any => !self.is_suspect(),
            Pick::Person => !self.is_suspect() && self.person,
            Pick::Suspect => self.is_suspect(),
        }
    }

    fn end(&mut self, status: Status, cause: Cause) {
        self.status = status;
        self.cause = cause;
        self.hold = None;
        self.due = Due::Never;
    }

    fn back(&mut self, due: Due) {
        self.status = Status::Pending;
        self.hold = None;
        self.due = due;
    }
}

/// Stage versions before the operation and of the operation.
pub const OLD_VERSION: i64 = 1;
pub const NEW_VERSION: i64 = 2;

/// With which lease a worker comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lease {
    /// The one in the row.
    Held,
    /// One the row once had.
    Stale,
    /// None, as a row has that is not running.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Enqueue {
        document: u8,
        stage: u8,
        person: bool,
    },
    Claim {
        stage: u8,
        worker: u8,
        limit: usize,
        pick: Pick,
    },
    Heartbeat(usize, Lease),
    /// The worker beats for every row, of which it may hold some.
    HeartbeatAll(u8),
    /// Time goes by, more than any lease, retry or wait.
    Pass,
    Rescue,
    Release(u8),
    Complete(usize, Lease),
    /// And asks for the stage in the same transaction, if the claim held.
    CompleteAndEnqueue(usize, Lease, u8),
    Fail(usize, Lease),
    RetryAt(usize, Lease),
    WaitFor(usize, Lease),
    HandBack(usize, Lease),
    Wake,
    Cancel(usize),
    Retry(usize),
    RetryFailed,
    Pause(u8),
    Resume(u8),
    Prune,
}

/// What an operation returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Nothing,
    Was(bool),
    Count(u64),
    Rows(Vec<usize>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct State {
    /// In the order of their ids.
    pub rows: Vec<Row>,
    /// Bit by stage.
    pub paused: u8,
}

/// A row that an operation removed stays as `None` until [`Work::done`], so that places remain ids.
struct Work {
    rows: Vec<Option<Row>>,
    paused: u8,
}

/// What an operation returns, and the rows it leaves with the places they had (new ones at the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub outcome: Outcome,
    pub rows: Vec<(usize, Row)>,
    pub paused: u8,
}

impl Step {
    pub fn state(&self) -> State {
        State {
            rows: self.rows.iter().map(|(_, row)| row.clone()).collect(),
            paused: self.paused,
        }
    }
}

/// What the operation does to the state.
pub fn apply(state: &State, op: Op) -> Step {
    let mut work = Work::new(state);
    let outcome = work.run(op);
    work.done(outcome)
}

/// What operations return that come one after the other, and the rows they leave. Ids are those of the first state.
pub fn apply_all(state: &State, ops: &[Op]) -> (Vec<Outcome>, Vec<Row>) {
    let mut work = Work::new(state);
    let outcomes = ops.iter().map(|op| work.run(*op)).collect();
    (outcomes, work.rows.into_iter().flatten().collect())
}

impl Work {
    fn new(state: &State) -> Self {
        Self {
            rows: state.rows.iter().cloned().map(Some).collect(),
            paused: state.paused,
        }
    }

    fn done(self, outcome: Outcome) -> Step {
        let rows = self.rows.into_iter().enumerate();
        Step {
            outcome,
            rows: rows.filter_map(|(id, row)| Some(id).zip(row)).collect(),
            paused: self.paused,
        }
    }

    fn run(&mut self, op: Op) -> Outcome {
        match op {
            Op::Enqueue {
                document,
                stage,
                person,
            } => Outcome::Was(self.enqueue(document, stage, person)),
            Op::Claim {
                stage,
                worker,
                limit,
                pick,
            } => Outcome::Rows(self.claim(stage, worker, limit, pick)),
            Op::Heartbeat(id, lease) => Outcome::Rows(self.beat(id, lease).into_iter().collect()),
            Op::HeartbeatAll(worker) => {
                let mine = self.ids(|row| row.hold.is_some_and(|hold| hold.worker == worker));
                let beaten = mine.into_iter().filter_map(|id| self.beat(id, Lease::Held));
                Outcome::Rows(beaten.collect())
            }
            Op::Pass => self.pass(),
            Op::Rescue => {
                let over = self.ids(|row| row.hold.is_some_and(|hold| hold.until == Until::Over));
                self.take_back(over)
            }
            Op::Release(worker) => {
                let held = self.ids(|row| row.hold.is_some_and(|hold| hold.worker == worker));
                self.take_back(held)
            }
            Op::Complete(id, lease) => Outcome::Was(self.complete(id, lease)),
            Op::CompleteAndEnqueue(id, lease, stage) => {
                let document = self.rows[id].as_ref().map_or(0, |row| row.document);
                let held = self.complete(id, lease);
                if held {
                    self.enqueue(document, stage, false);
                }
                Outcome::Was(held)
            }
            Op::Fail(id, lease) => Outcome::Was(
                self.held(id, lease)
                    .map(|row| row.end(Status::Failed, Cause::Given))
                    .is_some(),
            ),
            Op::RetryAt(id, lease) => self.back(id, lease, |row| {
                row.back(Due::Later(RETRY_MS));
                row.cause = Cause::Given;
            }),
            Op::WaitFor(id, lease) => self.back(id, lease, |row| {
                row.back(Due::Later(WAIT_MS));
                row.cause = Cause::Given;
                row.waiting = true;
                row.attempts -= 1;
            }),
            Op::HandBack(id, lease) => self.back(id, lease, |row| {
                row.back(Due::Now);
                row.attempts -= 1;
            }),
            Op::Wake => {
                let asleep = self.ids(|row| row.waiting && matches!(row.due, Due::Later(_)));
                self.each(&asleep, |row| row.due = Due::Now);
                count(&asleep)
            }
            Op::Cancel(id) => Outcome::Was(self.cancel(id)),
            Op::Retry(id) => Outcome::Was(self.retry(id)),
            Op::RetryFailed => self.retry_failed(),
            Op::Pause(stage) => {
                self.paused |= 1 << stage;
                Outcome::Nothing
            }
            Op::Resume(stage) => {
                self.paused &= !(1 << stage);
                Outcome::Nothing
            }
            Op::Prune => self.prune(),
        }
    }

    fn ids(&self, wanted: impl Fn(&Row) -> bool) -> Vec<usize> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| row.as_ref().is_some_and(&wanted))
            .map(|(id, _)| id)
            .collect()
    }

    fn each(&mut self, ids: &[usize], mut change: impl FnMut(&mut Row)) {
        for id in ids {
            if let Some(row) = &mut self.rows[*id] {
                change(row);
            }
        }
    }

    fn at(&self, document: u8, stage: u8, status: Status) -> Option<usize> {
        let found =
            self.ids(|row| (row.document, row.stage, row.status) == (document, stage, status));
        found.first().copied()
    }

    /// The row, where it runs under this lease.
    fn held(&mut self, id: usize, lease: Lease) -> Option<&mut Row> {
        let row = self.rows.get_mut(id)?.as_mut()?;
        let same = row.hold.is_some_and(|hold| !hold.new);
        (lease == Lease::Held && same).then_some(row)
    }

    fn has_twin(&self, id: usize) -> bool {
        let row = self.rows[id].as_ref();
        row.is_some_and(|row| self.at(row.document, row.stage, Status::Pending).is_some())
    }

    fn enqueue(&mut self, document: u8, stage: u8, person: bool) -> bool {
        if let Some(id) = self.at(document, stage, Status::Pending) {
            self.each(&[id], |row| row.person |= person);
            return false;
        }
        self.rows.push(Some(Row::new(document, stage, person)));
        true
    }

    fn claim(&mut self, stage: u8, worker: u8, limit: usize, pick: Pick) -> Vec<usize> {
        if self.paused & (1 << stage) != 0 {
            return Vec::new();
        }
        let mut due = self.ids(|row| {
            row.stage == stage
                && row.status == Status::Pending
                && row.is_picked(pick)
                && matches!(row.due, Due::Past(_) | Due::Now)
                && self.at(row.document, stage, Status::Processing).is_none()
        });
        due.sort_by_key(|id| {
            let row = self.rows[*id].as_ref();
            // Of suspects the one that waits for longest comes first, whoever waits for it.
            let person = |row: &Row| row.person && pick != Pick::Suspect;
            (row.map(|row| (!person(row), row.due)), *id)
        });
        due.truncate(limit);
        self.each(&due, |row| {
            row.status = Status::Processing;
            row.attempts += 1;
            row.due = Due::Never;
            row.waiting = false;
            row.progress = Progress::None;
            row.hold = Some(Hold {
                worker,
                until: Until::Fresh,
                new: true,
            });
        });
        due
    }

    fn beat(&mut self, id: usize, lease: Lease) -> Option<usize> {
        let row = self.held(id, lease)?;
        row.progress = Progress::Half;
        if let Some(hold) = &mut row.hold {
            hold.until = Until::Fresh;
        }
        Some(id)
    }

    fn pass(&mut self) -> Outcome {
        let all = self.ids(|_| true);
        self.each(&all, |row| {
            if let Some(hold) = &mut row.hold {
                hold.until = Until::Over;
            }
            if matches!(row.due, Due::Later(_)) {
                row.due = Due::Now;
            }
        });
        Outcome::Nothing
    }

    fn complete(&mut self, id: usize, lease: Lease) -> bool {
        let ended = self.held(id, lease).map(|row| {
            row.end(Status::Completed, Cause::None);
            row.progress = Progress::One;
            row.version = NEW_VERSION;
        });
        ended.is_some()
    }

    /// Back to pending, or gone where a pending twin does it.
    fn back(&mut self, id: usize, lease: Lease, change: impl FnOnce(&mut Row)) -> Outcome {
        let twin = self.has_twin(id);
        let Some(row) = self.held(id, lease) else {
            return Outcome::Was(false);
        };
        change(row);
        if twin {
            self.rows[id] = None;
        }
        Outcome::Was(true)
    }

    fn take_back(&mut self, ids: Vec<usize>) -> Outcome {
        let worker = |row: &Row| row.hold.map(|hold| hold.worker);
        let lost = ids.iter().filter_map(|id| self.rows[*id].as_ref());
        let blamed: Vec<_> = lost.filter(|row| row.is_suspect()).map(worker).collect();
        for id in &ids {
            if self.has_twin(*id) {
                self.rows[*id] = None;
                continue;
            }
            self.each(&[*id], |row| {
                if !row.is_suspect() && blamed.contains(&worker(row)) {
                    row.back(Due::Now);
                    row.attempts -= 1;
                } else {
                    blame(row);
                }
            });
        }
        count(&ids)
    }

    fn cancel(&mut self, id: usize) -> bool {
        match self.rows.get_mut(id).and_then(Option::as_mut) {
            Some(row) if row.is_open() => {
                row.end(Status::Cancelled, Cause::Cancelled);
                row.waiting = false;
                true
            }
            _ => false,
        }
    }

    fn retry(&mut self, id: usize) -> bool {
        let Some(row) = self.rows.get_mut(id).and_then(Option::as_mut) else {
            return false;
        };
        match row.status {
            // A row that is due keeps its age.
            Status::Pending => row.due = row.due.min(Due::Now),
            Status::Failed | Status::Cancelled => {
                self.revive(id);
            }
            Status::Processing | Status::Completed => return false,
        }
        true
    }

    fn retry_failed(&mut self) -> Outcome {
        let mut failed = self.ids(|row| row.status == Status::Failed);
        // Of two of the same work the newer is the one that is done again.
        failed.reverse();
        failed.retain(|id| self.revive(*id));
        count(&failed)
    }

    fn revive(&mut self, id: usize) -> bool {
        if self.has_twin(id) {
            return false;
        }
        self.each(&[id], |row| {
            row.back(Due::Now);
            row.attempts = 0;
            row.waiting = false;
            row.progress = Progress::None;
        });
        true
    }

    fn prune(&mut self) -> Outcome {
        let newer = |id: usize, row: &Row| {
            let after = self.rows[id + 1..].iter().flatten();
            after.into_iter().any(|other| other.same_place(row))
        };
        let old: Vec<usize> = self
            .ids(|row| !row.is_open())
            .into_iter()
            .filter(|id| self.rows[*id].as_ref().is_some_and(|row| newer(*id, row)))
            .collect();
        for id in &old {
            self.rows[*id] = None;
        }
        count(&old)
    }
}

fn blame(row: &mut Row) {
    row.crashes += 1;
    if row.attempts >= MAX_ATTEMPTS {
        row.end(Status::Failed, Cause::Poison);
        return;
    }
    let due = match row.crashes {
        1 => Due::Now,
        n => Due::Later(1000 << (n - 2)),
    };
    row.back(due);
    row.cause = Cause::Lost;
}

fn count(ids: &[usize]) -> Outcome {
    Outcome::Count(ids.len() as u64)
}

impl State {
    /// The state that stands for all that behave as this one: what no operation looks at is as it was restored, times are
    /// orders, workers and documents are numbered as they come.
    pub fn canonical(&self, documents: u8) -> Self {
        let mut best: Option<Self> = None;
        for shift in 0..documents {
            let mut other = self.clone();
            for row in &mut other.rows {
                row.document = (row.document + shift) % documents;
            }
            other.settle();
            if best.as_ref().is_none_or(|best| other < *best) {
                best = Some(other);
            }
        }
        best.unwrap_or_default()
    }

    fn settle(&mut self) {
        // A stable sort: within a place the order of the ids stays.
        self.rows.sort_by_key(|row| (row.document, row.stage));
        let mut workers: Vec<u8> = Vec::new();
        for row in &mut self.rows {
            if let Some(hold) = &mut row.hold {
                if !workers.contains(&hold.worker) {
                    workers.push(hold.worker);
                }
                let place = workers.iter().position(|worker| *worker == hold.worker);
                hold.worker = place.unwrap_or_default() as u8;
            }
            forget(row);
        }
        self.rank();
    }

    fn rank(&mut self) {
        let mut moments: Vec<(u8, Due)> = (self.rows.iter())
            .filter(|row| matches!(row.due, Due::Past(_) | Due::Now))
            .map(|row| (row.stage, row.due))
            .collect();
        moments.sort_unstable();
        moments.dedup();
        for row in &mut self.rows {
            let earlier = moments
                .iter()
                .filter(|(stage, due)| *stage == row.stage && *due < row.due);
            match row.due {
                Due::Past(_) | Due::Now => row.due = Due::Past(earlier.count() as u8),
                Due::Later(_) => row.due = Due::Later(LATER_MS),
                Due::Never => {}
            }
        }
    }
}

/// Puts back what no operation looks at.
fn forget(row: &mut Row) {
    if let Some(hold) = &mut row.hold {
        hold.new = false;
        if hold.until == Until::Fresh {
            hold.until = Until::Live;
        }
    }
    // Only whether it is a suspect matters.
    row.crashes = row.crashes.min(SUSPECT);
    if !row.is_open() {
        row.attempts = 1;
    }
    let begun = match row.status {
        Status::Pending => row.attempts > 0 || row.waiting,
        Status::Processing => row.attempts > 1,
        Status::Failed | Status::Cancelled => true,
        Status::Completed => {
            row.person = false;
            row.crashes = 0;
            false
        }
    };
    (row.cause, row.progress, row.version) = match row.status {
        Status::Completed => (Cause::None, Progress::One, NEW_VERSION),
        _ if begun => (Cause::Earlier, Progress::Half, OLD_VERSION),
        _ => (Cause::None, Progress::None, OLD_VERSION),
    };
}
