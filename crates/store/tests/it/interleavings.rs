//! Transactions on the same rows at the same time, in every order of their operations and their ends: what comes out is what
//! some order one after the other gives.
//!
//! A beginning takes no snapshot on PostgreSQL (READ COMMITTED), so it does not matter where it is; every transaction is open
//! before the first operation. Whoever meets a conflict does it all again, as every caller does. A claim and a rescue pass
//! over rows that somebody else has in hand, so they may also do nothing.

use std::pin::Pin;
use std::time::Duration;

use model::Status;
use store::{Pick, StoreError, Tx};

use crate::statespace::check_rows;
use crate::statespace_model::{Cause, Due, Hold, Lease, Op, Outcome, Row, State, Until, apply_all};
use crate::statespace_real::{Real, call};

/// How long an operation is waited for before the server is asked whether it waits for a lock.
const GLANCE: Duration = Duration::from_millis(1);

fn pending() -> Row {
    Row::new(0, 0, false)
}

fn waiting() -> Row {
    Row {
        waiting: true,
        due: Due::Later(1),
        ..pending()
    }
}

fn running(attempts: i64, until: Until) -> Row {
    let hold = Hold {
        worker: 0,
        until,
        new: false,
    };
    Row {
        status: Status::Processing,
        attempts,
        hold: Some(hold),
        due: Due::Never,
        ..pending()
    }
}

fn ended(status: Status) -> Row {
    Row {
        status,
        due: Due::Never,
        ..pending()
    }
}

/// Every kind of state that one document's rows of one stage are in.
fn states() -> Vec<State> {
    let rows: Vec<Vec<Row>> = vec![
        vec![],
        vec![pending()],
        vec![waiting()],
        vec![running(1, Until::Live)],
        vec![running(1, Until::Over)],
        vec![running(3, Until::Over)],
        vec![running(1, Until::Over), pending()],
        vec![ended(Status::Failed)],
        vec![ended(Status::Cancelled), ended(Status::Completed)],
        vec![ended(Status::Failed), pending()],
        vec![ended(Status::Failed), running(2, Until::Over)],
        vec![ended(Status::Failed), running(1, Until::Live), pending()],
    ];
    rows.into_iter()
        .map(|rows| State { rows, paused: 0 }.canonical(1))
        .collect()
}

fn operations(state: &State) -> Vec<Op> {
    let claim = |worker| Op::Claim {
        stage: 0,
        worker,
        limit: 2,
        pick: Pick::Any,
    };
    let enqueue = Op::Enqueue {
        document: 0,
        stage: 0,
        person: true,
    };
    let mut ops = vec![enqueue, claim(0), claim(1), Op::Rescue, Op::Release(0)];
    ops.extend([Op::Wake, Op::RetryFailed, Op::Prune]);
    for (id, row) in state.rows.iter().enumerate() {
        ops.extend([Op::Cancel(id), Op::Retry(id)]);
        if row.status == Status::Processing {
            ops.extend([
                Op::Heartbeat(id, Lease::Held),
                Op::Complete(id, Lease::Held),
                Op::Fail(id, Lease::Held),
                Op::WaitFor(id, Lease::Held),
                Op::HandBack(id, Lease::Held),
            ]);
            if row.attempts < crate::statespace_model::MAX_ATTEMPTS {
                ops.push(Op::RetryAt(id, Lease::Held));
            }
        }
    }
    ops
}

fn passes_over(op: Op) -> bool {
    matches!(op, Op::Claim { .. } | Op::Rescue | Op::Release(_))
}

fn nothing_of(op: Op) -> Outcome {
    match op {
        Op::Claim { .. } => Outcome::Rows(Vec::new()),
        _ => Outcome::Count(0),
    }
}

/// What the operations return, each by its place, and the rows they leave; without ids, for those of new rows differ.
type Ending = (Vec<Outcome>, Vec<Row>);

fn ending(outcomes: Vec<Outcome>, mut rows: Vec<Row>) -> Ending {
    for row in &mut rows {
        // Read back, a lost worker is told from a poisonous row by how the row stands.
        if row.is_open() && row.cause == Cause::Poison {
            row.cause = Cause::Lost;
        }
    }
    rows.sort();
    let counted = outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Rows(ids) => Outcome::Count(ids.len() as u64),
        other => other,
    });
    (counted.collect(), rows)
}

/// Every ending that operations one after the other can have.
fn serial_endings(state: &State, ops: &[Op]) -> Vec<Ending> {
    let mut endings = Vec::new();
    for order in orders(ops.len()) {
        for skipped in 0..1_usize << ops.len() {
            let skips = |place: usize| skipped & (1 << place) != 0;
            if (0..ops.len()).any(|place| skips(place) && !passes_over(ops[place])) {
                continue;
            }
            let ran: Vec<usize> = order.iter().copied().filter(|at| !skips(*at)).collect();
            let run: Vec<Op> = ran.iter().map(|place| ops[*place]).collect();
            let (got, rows) = apply_all(state, &run);
            let mut outcomes: Vec<Outcome> = ops.iter().map(|op| nothing_of(*op)).collect();
            for (place, outcome) in ran.into_iter().zip(got) {
                outcomes[place] = outcome;
            }
            endings.push(ending(outcomes, rows));
        }
    }
    endings
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let longer = shorter.iter().flat_map(|order| {
        (0..count).map(|at| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    });
    longer.collect()
}

type Running = Pin<Box<dyn Future<Output = (Tx, Result<Outcome, StoreError>)> + Send>>;

/// Where a transaction stands.
enum Slot {
    /// In its operation, as far as we know.
    Running(Running),
    /// Its operation is done, its end is not.
    Open(Tx, Outcome),
    /// It met a conflict and is to be done again.
    Refused,
    Ended(Outcome),
}

struct Schedule<'a> {
    real: &'a mut Real,
    state: &'a State,
    ops: &'a [Op],
    slots: Vec<Slot>,
    conflicts: usize,
    waits: usize,
}

impl Schedule<'_> {
    /// Lets every operation go as far as it comes without another's end.
    async fn advance(&mut self) {
        loop {
            let mut unfinished = 0;
            for slot in &mut self.slots {
                let Slot::Running(run) = slot else { continue };
                let Ok((tx, result)) = tokio::time::timeout(GLANCE, run).await else {
                    unfinished += 1;
                    continue;
                };
                *slot = match result {
                    Ok(outcome) => Slot::Open(tx, outcome),
                    Err(error) if error.is_conflict() => {
                        self.conflicts += 1;
                        Slot::Refused
                    }
                    Err(error) => panic!("{:?} on {:?}: {error}", self.ops, self.state),
                };
            }
            if unfinished == 0 || self.real.waiting_for_locks().await >= unfinished {
                self.waits += unfinished;
                return;
            }
        }
    }

    /// Begins all, runs the operations in one order and ends them in another; a later end that waits for an earlier one comes
    /// after it.
    async fn run(&mut self, starts: &[usize], ends: &[usize]) {
        let mut begun = Vec::new();
        for _ in self.ops {
            begun.push(Some(self.real.store.write().await.unwrap()));
            self.slots.push(Slot::Refused);
        }
        for place in starts {
            let mut tx = begun[*place].take().unwrap();
            let (state, op, place) = (self.state.clone(), self.ops[*place], *place);
            self.slots[place] = Slot::Running(Box::pin(async move {
                let outcome = call(&mut tx, &state, op, place).await;
                (tx, outcome)
            }));
            self.advance().await;
        }
        while let Some(place) = self.next(ends) {
            if let Slot::Open(tx, outcome) =
                std::mem::replace(&mut self.slots[place], Slot::Refused)
            {
                tx.commit().await.unwrap();
                self.slots[place] = Slot::Ended(outcome);
            }
            self.advance().await;
        }
        self.again().await;
    }

    /// The next that can end; where all that are left still wait, the first of them to be looked at again.
    fn next(&self, ends: &[usize]) -> Option<usize> {
        let open = |place: &&usize| matches!(self.slots[**place], Slot::Open(..));
        let left = |place: &&usize| matches!(self.slots[**place], Slot::Running(_));
        let next = ends.iter().find(open).or_else(|| ends.iter().find(left));
        next.copied()
    }

    /// What met a conflict is done again.
    async fn again(&mut self) {
        for place in 0..self.ops.len() {
            if matches!(self.slots[place], Slot::Refused) {
                let mut tx = self.real.store.write().await.unwrap();
                let outcome = call(&mut tx, self.state, self.ops[place], place).await;
                tx.commit().await.unwrap();
                self.slots[place] = Slot::Ended(outcome.unwrap());
            }
        }
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let slots = self.slots.iter();
        slots
            .map(|slot| match slot {
                Slot::Ended(outcome) => outcome.clone(),
                _ => panic!("not every transaction came to its end"),
            })
            .collect()
    }
}

/// How much was run, how often one waited for another and how often one was refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    schedules: usize,
    waits: usize,
    conflicts: usize,
    wrong: Vec<String>,
}

/// Begins the operations in every order, and ends them in each of the orders given.
async fn try_all(real: &mut Real, state: &State, ops: &[Op], ends: &[&[usize]], tally: &mut Tally) {
    let expected = serial_endings(state, ops);
    for starts in orders(ops.len()) {
        for ends in ends {
            real.restore(state).await;
            let mut schedule = Schedule {
                real: &mut *real,
                state,
                ops,
                slots: Vec::new(),
                conflicts: 0,
                waits: 0,
            };
            schedule.run(&starts, ends).await;
            let outcomes = schedule.outcomes();
            tally.waits += schedule.waits;
            tally.conflicts += schedule.conflicts;
            tally.schedules += 1;
            let rows = real.read().await.rows();
            check_rows(&rows);
            let got = ending(outcomes, rows.into_iter().map(|(_, row)| row).collect());
            if !expected.contains(&got) {
                tally.wrong.push(format!(
                    "{ops:?} begun {starts:?} ended {ends:?} on {:#?}\ngave {got:#?}",
                    state.rows
                ));
            }
        }
    }
}

impl Tally {
    fn assert_right(&self, schedules: usize) {
        let (waits, conflicts) = (self.waits, self.conflicts);
        println!(
            "{} schedules, {waits} waits, {conflicts} conflicts",
            self.schedules
        );
        assert!(
            self.wrong.is_empty(),
            "{}\n{} wrong",
            self.wrong.join("\n"),
            self.wrong.len()
        );
        assert!(waits > 0 && conflicts > 0, "they never met: {self:?}");
        assert_eq!(
            self.schedules, schedules,
            "states and operations make so many"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_on_postgres_end_as_if_one_came_after_the_other() {
    let mut real = Real::postgres().await;
    let mut tally = Tally::default();
    for state in states() {
        let ops = operations(&state);
        for (at, first) in ops.iter().enumerate() {
            for second in &ops[at..] {
                try_all(
                    &mut real,
                    &state,
                    &[*first, *second],
                    &[&[0, 1], &[1, 0]],
                    &mut tally,
                )
                .await;
            }
        }
    }
    tally.assert_right(5204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triples_on_postgres_end_as_if_one_came_after_the_other() {
    let mut real = Real::postgres().await;
    let mut tally = Tally::default();
    for rows in [vec![pending()], vec![running(1, Until::Over)]] {
        let state = State { rows, paused: 0 }.canonical(1);
        let ops: Vec<Op> = operations(&state).into_iter().filter(is_common).collect();
        for a in 0..ops.len() {
            for b in a + 1..ops.len() {
                for c in b + 1..ops.len() {
                    let three = [ops[a], ops[b], ops[c]];
                    try_all(
                        &mut real,
                        &state,
                        &three,
                        &[&[0, 1, 2], &[2, 1, 0]],
                        &mut tally,
                    )
                    .await;
                }
            }
        }
    }
    tally.assert_right(1128);
}

/// What happens every second while work is done.
fn is_common(op: &Op) -> bool {
    matches!(
        op,
        Op::Enqueue { .. }
            | Op::Claim { .. }
            | Op::Rescue
            | Op::Heartbeat(..)
            | Op::Complete(..)
            | Op::Fail(..)
            | Op::HandBack(..)
            | Op::Cancel(_)
    )
}

/// SQLite has one writer: the second begins when the first has ended, whatever they do.
#[tokio::test]
async fn the_second_writer_on_sqlite_waits_for_the_first() {
    let mut real = Real::sqlite().await;
    let mut ran = 0;
    for state in states() {
        for first in operations(&state) {
            for second in operations(&state) {
                real.restore(&state).await;
                let store = real.store.clone();
                let mut tx = store.write().await.unwrap();
                let mut later = Box::pin(store.write());
                assert!(
                    futures::poll!(&mut later).is_pending(),
                    "one writer at a time"
                );
                let one = call(&mut tx, &state, first, 0).await.unwrap();
                assert!(
                    futures::poll!(&mut later).is_pending(),
                    "one writer at a time"
                );
                tx.commit().await.unwrap();
                let mut tx = later.await.unwrap();
                let other = call(&mut tx, &state, second, 1).await.unwrap();
                tx.commit().await.unwrap();
                let rows = real.read().await.rows();
                check_rows(&rows);
                let got = ending(
                    vec![one, other],
                    rows.into_iter().map(|row| row.1).collect(),
                );
                let (outcomes, rows) = apply_all(&state, &[first, second]);
                assert_eq!(
                    got,
                    ending(outcomes, rows),
                    "{first:?}, {second:?} on {state:#?}"
                );
                ran += 1;
            }
        }
    }
    assert_eq!(ran, 2437, "states and operations make so many");
}
