//! Every state that a few documents' rows can come to, and every operation on each of them: what the store does is what the
//! model says, no rule of the queue is ever broken, and from everywhere there is a way to the end.

use std::collections::HashMap;

use model::Status;

use store::Pick;

use crate::statespace_model::{
    Due, Lease, MAX_ATTEMPTS, Op, Outcome, Row, State, Step, Until, apply,
};
use crate::statespace_real::Real;

const WORKERS: u8 = 2;
/// A search that finds more states than these has no fixpoint.
const MOST_STATES: usize = 100_000;

/// What is searched: its states are all that its operations lead to from the empty queue.
#[derive(Clone, Copy, Debug)]
struct World {
    documents: u8,
    stages: u8,
    /// Rows of one document and stage at once, history included; where there are as many, none is asked for.
    rows: usize,
    /// Whether some requests are a person's.
    persons: bool,
    /// Whether stages are paused.
    pauses: bool,
    /// Whether ended rows are forgotten as soon as a newer one is there, to keep the states few.
    forgets: bool,
    /// Whether rows wait for something and are cancelled.
    waits: bool,
}

/// One document and all that can happen to it.
const ONE_DOCUMENT: World = World {
    documents: 1,
    stages: 1,
    rows: 2,
    persons: true,
    pauses: false,
    forgets: false,
    waits: true,
};
/// One document with more of a history.
const HISTORY: World = World {
    rows: 3,
    persons: false,
    ..ONE_DOCUMENT
};
/// Two documents that two workers take from each other.
const TWO_DOCUMENTS: World = World {
    documents: 2,
    stages: 1,
    rows: 2,
    persons: false,
    pauses: false,
    forgets: true,
    waits: false,
};
/// One document whose first stage asks for its second.
const TWO_STAGES: World = World {
    documents: 1,
    stages: 2,
    rows: 1,
    persons: false,
    pauses: true,
    forgets: true,
    waits: false,
};

struct Edge {
    from: usize,
    op: Op,
    to: usize,
}

#[derive(Default)]
struct Graph {
    states: Vec<State>,
    edges: Vec<Edge>,
}

impl Graph {
    /// Breadth first to the fixpoint.
    fn of(world: &World) -> Self {
        let mut graph = Self::default();
        let mut known = HashMap::new();
        graph.number(&mut known, State::default());
        let mut from = 0;
        while from < graph.states.len() {
            assert!(
                known.len() < MOST_STATES,
                "without end: {:?}",
                graph.states.last()
            );
            let state = graph.states[from].clone();
            for op in world.operations(&state) {
                let to = world.canonical(&apply(&state, op).state());
                let to = graph.number(&mut known, to);
                graph.edges.push(Edge { from, op, to });
            }
            from += 1;
        }
        graph
    }

    fn number(&mut self, known: &mut HashMap<State, usize>, state: State) -> usize {
        *known.entry(state).or_insert_with_key(|state| {
            self.states.push(state.clone());
            self.states.len() - 1
        })
    }

    /// No state is a trap: with workers that live and a person who lets stages go on, everything ends.
    fn assert_everything_can_end(&self) {
        let helps = |op: Op| {
            matches!(
                op,
                Op::Claim { .. } | Op::Complete(_, Lease::Held) | Op::Pass | Op::Resume(_)
            )
        };
        let mut ends: Vec<bool> = (self.states.iter())
            .map(|state| state.rows.iter().all(|row| !row.is_open()))
            .collect();
        loop {
            let mut grew = false;
            for edge in self.edges.iter().filter(|edge| helps(edge.op)) {
                grew |= ends[edge.to] && !ends[edge.from];
                ends[edge.from] |= ends[edge.to];
            }
            if !grew {
                break;
            }
        }
        let trap = ends.iter().position(|ends| !ends);
        assert_eq!(
            trap.map(|trap| &self.states[trap]),
            None,
            "nothing ends this"
        );
    }

    /// Whatever dies how often: the claims are at most so many until nothing is left to claim.
    fn assert_no_loop(&self) {
        let takes = |op: Op| {
            matches!(
                op,
                Op::Claim { .. }
                    | Op::Pass
                    | Op::Rescue
                    | Op::Release(_)
                    | Op::RetryAt(_, Lease::Held)
                    | Op::Heartbeat(_, Lease::Held)
                    | Op::Fail(_, Lease::Held)
                    | Op::Complete(_, Lease::Held)
            )
        };
        let tries_left = |state: &State| -> i64 {
            let open = state.rows.iter().filter(|row| row.is_open());
            let (rows, tries) = open.fold((0, 0), |(rows, tries), row| {
                let begun = i64::from(row.status == Status::Processing);
                (rows + 1, tries + MAX_ATTEMPTS - row.attempts + begun)
            });
            // A death that a suspect is to blame for costs no other row a try, so each may be claimed once more.
            rows * tries
        };
        let mut claims = vec![0; self.states.len()];
        loop {
            let mut grew = false;
            for edge in self.edges.iter().filter(|edge| takes(edge.op)) {
                let one = matches!(edge.op, Op::Claim { .. }) && edge.from != edge.to;
                let after = claims[edge.to] + i64::from(one);
                if after > claims[edge.from] {
                    claims[edge.from] = after;
                    grew = true;
                    let from = &self.states[edge.from];
                    assert!(after <= tries_left(from), "{from:?} is claimed without end");
                }
            }
            if !grew {
                break;
            }
        }
    }
}

impl World {
    fn canonical(&self, state: &State) -> State {
        let mut state = state.clone();
        if self.forgets {
            let rows = state.rows.clone();
            let mut id = 0;
            state.rows.retain(|row| {
                id += 1;
                row.is_open() || !rows[id..].iter().any(|newer| newer.same_place(row))
            });
        }
        state.canonical(self.documents)
    }

    fn operations(&self, state: &State) -> Vec<Op> {
        let mut ops = vec![Op::Pass, Op::Rescue, Op::RetryFailed, Op::Prune];
        ops.extend((0..WORKERS).flat_map(|worker| [Op::Release(worker), Op::HeartbeatAll(worker)]));
        if self.waits {
            ops.push(Op::Wake);
        }
        for stage in 0..self.stages {
            self.of_stage(state, stage, &mut ops);
        }
        for id in 0..state.rows.len() {
            self.of_row(state, id, &mut ops);
        }
        ops
    }

    fn of_stage(&self, state: &State, stage: u8, ops: &mut Vec<Op>) {
        for worker in 0..WORKERS {
            let claim = |limit, pick| Op::Claim {
                stage,
                worker,
                limit,
                pick,
            };
            ops.extend((1..=usize::from(self.documents)).map(|limit| claim(limit, Pick::Any)));
            ops.push(claim(1, Pick::Suspect));
            if self.persons {
                ops.push(claim(1, Pick::Person));
            }
        }
        for document in (0..self.documents).filter(|at| self.has_room(state, *at, stage)) {
            let persons = if self.persons { 2 } else { 1 };
            ops.extend((0..persons).map(|person| Op::Enqueue {
                document,
                stage,
                person: person == 1,
            }));
        }
        if self.pauses {
            ops.extend([Op::Pause(stage), Op::Resume(stage)]);
        }
    }

    fn has_room(&self, state: &State, document: u8, stage: u8) -> bool {
        let here = |row: &&Row| (row.document, row.stage) == (document, stage);
        state.rows.iter().filter(here).count() < self.rows
    }

    fn of_row(&self, state: &State, id: usize, ops: &mut Vec<Op>) {
        let row = &state.rows[id];
        let mut leases = vec![Lease::Stale];
        if row.status == Status::Processing {
            leases.push(Lease::Held);
        }
        for lease in leases {
            ops.extend([
                Op::Heartbeat(id, lease),
                Op::Complete(id, lease),
                Op::Fail(id, lease),
                Op::HandBack(id, lease),
            ]);
            // As the runner does it: the last try is not tried again.
            if row.attempts < MAX_ATTEMPTS {
                ops.push(Op::RetryAt(id, lease));
            }
            if self.waits {
                ops.push(Op::WaitFor(id, lease));
            }
            let next = row.stage + 1;
            if next < self.stages && self.has_room(state, row.document, next) {
                ops.push(Op::CompleteAndEnqueue(id, lease, next));
            }
        }
        ops.extend([
            Op::Complete(id, Lease::Absent),
            Op::HandBack(id, Lease::Absent),
            Op::Retry(id),
        ]);
        if self.waits {
            ops.push(Op::Cancel(id));
        }
    }
}

/// What holds of every state as a whole.
pub fn check_rows(rows: &[(usize, Row)]) {
    for (id, row) in rows {
        for status in [Status::Pending, Status::Processing] {
            let mut same = rows
                .iter()
                .filter(|(_, other)| other.same_place(row) && other.status == status);
            assert!(
                same.clone().count() <= 1,
                "two {status} of r{id}: {:?}",
                same.next()
            );
        }
    }
}

/// What an operation may do at most: nothing asked for is lost, an old lease moves nothing, only what must run is run.
fn check_step(before: &State, op: Op, step: &Step) {
    check_rows(&step.rows);
    let rows = &step.rows;
    for (id, old) in before.rows.iter().enumerate() {
        let stays = rows.iter().any(|(other, _)| *other == id);
        let twin = |row: &Row| row.same_place(old) && row.status == Status::Pending;
        let covered = if old.is_open() {
            rows.iter().any(|(_, row)| twin(row))
        } else {
            op == Op::Prune
                && rows
                    .iter()
                    .any(|(newer, row)| *newer > id && row.same_place(old))
        };
        assert!(stays || covered, "r{id} is lost");
    }
    for (id, row) in rows
        .iter()
        .filter(|(_, row)| row.hold.is_some_and(|hold| hold.new))
    {
        let old = &before.rows[*id];
        let due = matches!(old.due, Due::Past(_));
        assert!(due && old.status == Status::Pending, "r{id} was not due");
        assert!(
            before.paused & (1 << row.stage) == 0,
            "r{id} is of a paused stage"
        );
        assert_eq!(row.attempts, old.attempts + 1, "r{id} counts its attempt");
    }
    if op == Op::Rescue {
        let live = |row: &Row| row.hold.is_some_and(|hold| hold.until == Until::Live);
        for (id, old) in before.rows.iter().enumerate().filter(|(_, row)| live(row)) {
            assert!(rows.contains(&(id, old.clone())), "r{id} is alive");
        }
    }
}

fn is_stale(op: Op) -> bool {
    let (Op::Heartbeat(_, lease)
    | Op::Complete(_, lease)
    | Op::CompleteAndEnqueue(_, lease, _)
    | Op::Fail(_, lease)
    | Op::RetryAt(_, lease)
    | Op::WaitFor(_, lease)
    | Op::HandBack(_, lease)) = op
    else {
        return false;
    };
    lease != Lease::Held
}

/// Runs every operation of every `nth` state on the store. Returns how many ran.
async fn compare(real: &mut Real, world: &World, graph: &Graph, nth: usize) -> usize {
    let mut ran = 0;
    for state in graph.states.iter().step_by(nth) {
        real.restore(state).await;
        let restored = real.read().await;
        assert_eq!(
            restored.step(Outcome::Nothing).state(),
            *state,
            "it is restored as it is"
        );
        for op in world
            .operations(state)
            .into_iter()
            .filter(|op| *op != Op::Pass)
        {
            let outcome = real.run(state, op).await;
            let found = real.read().await;
            let step = found.step(outcome);
            let expected = apply(state, op);
            assert_eq!(step, expected, "{op:?} on {state:#?}");
            check_step(state, op, &step);
            if found != restored {
                assert!(!is_stale(op), "{op:?} on {state:#?} changed something");
                real.restore(state).await;
            }
            ran += 1;
        }
    }
    ran
}

/// Searches the world and holds all of it, or every `nth` of its states, against the store.
async fn search(mut real: Real, world: World, nth: usize) -> (usize, usize, usize) {
    let graph = Graph::of(&world);
    graph.assert_everything_can_end();
    graph.assert_no_loop();
    let ran = compare(&mut real, &world, &graph, nth).await;
    let counts = (graph.states.len(), graph.edges.len(), ran);
    println!(
        "{world:?}: {} states, {} transitions, {} run on the store",
        counts.0, counts.1, counts.2
    );
    counts
}

/// How many states and transitions each world has and how many of them are run: a search that finds less is broken.
macro_rules! searches {
    ($($case:ident: $world:expr, $database:ident, every $nth:literal => $counts:expr;)*) => {
        $(#[tokio::test]
        async fn $case() {
            let counts = search(Real::$database().await, $world, $nth).await;
            assert_eq!(counts, $counts);
        })*
    };
}

mod sqlite {
    use super::*;

    searches! {
        all_states_of_one_document: ONE_DOCUMENT, sqlite, every 1 => (3369, 124_465, 121_096);
        all_states_of_two_documents: TWO_DOCUMENTS, sqlite, every 1 => (2793, 124_200, 121_407);
        some_states_with_a_history: HISTORY, sqlite, every 41 => (11_038, 493_888, 11_765);
        some_states_of_two_stages: TWO_STAGES, sqlite, every 23 => (7072, 287_628, 12_222);
    }
}

mod postgres {
    use super::*;

    searches! {
        some_states_of_one_document: ONE_DOCUMENT, postgres, every 19 => (3369, 124_465, 6370);
        some_states_of_two_documents: TWO_DOCUMENTS, postgres, every 17 => (2793, 124_200, 7148);
        some_states_with_a_history: HISTORY, postgres, every 83 => (11_038, 493_888, 5840);
        some_states_of_two_stages: TWO_STAGES, postgres, every 47 => (7072, 287_628, 5990);
    }
}
