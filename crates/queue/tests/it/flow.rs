//! How documents go through the graph: order, joins, room, priority, wake-ups.

use std::collections::HashMap;

use model::Priority;
use model::{Lane, StageSpec, Status};
use queue::{LaneLimits, RunnerConfig};
use tokio::task::JoinSet;

use crate::bed::{Bed, eager, told};
use crate::conformance;
use crate::control::{controlled, spec, within};

conformance!(
    a_document_walks_the_graph_to_the_end,
    a_join_is_enqueued_once,
    a_result_that_comes_while_the_join_runs_asks_for_one_more_run,
    results_wake_the_next_stage_without_a_poll,
    work_is_begun_at_once_by_an_idle_runner,
    the_concurrency_of_a_stage_is_reached_and_not_exceeded,
    concurrency_can_be_overridden_and_none_means_never,
    a_long_run_holds_up_no_other_stage,
    a_full_lane_is_handed_on_without_a_poll,
    what_a_person_waits_for_goes_first,
    a_paused_stage_stands_still_until_it_is_resumed,
    a_runner_of_some_stages_leaves_the_others_alone,
    two_runners_never_run_a_row_twice,
);

const LINE: &[StageSpec] = &[
    spec("extract", &[]),
    spec("chunk", &["extract"]),
    spec("embed", &["chunk"]),
];
const DIAMOND: &[StageSpec] = &[
    spec("extract", &[]),
    spec("left", &["extract"]),
    spec("right", &["extract"]),
    spec("join", &["left", "right"]),
];
const TWO: &[StageSpec] = &[spec("long", &[]), spec("short", &[])];
const WIDE: &[StageSpec] = &[wide("wide", 3), spec("other", &[])];

#[test]
fn leaves_are_what_nothing_follows() {
    let leaves = |specs| controlled(specs).0.leaves();
    assert_eq!(leaves(LINE), ["embed"]);
    assert_eq!(leaves(DIAMOND), ["join"]);
    assert_eq!(leaves(TWO), ["long", "short"]);
    assert!(leaves(&[]).is_empty());
}

const fn wide(name: &'static str, concurrency: usize) -> StageSpec {
    StageSpec {
        concurrency,
        ..spec(name, &[])
    }
}

async fn a_document_walks_the_graph_to_the_end(bed: Bed) {
    let (graph, mut calls) = controlled(LINE);
    let working = bed.start(&graph, eager("w"));
    let document = bed.add("a").await;
    bed.enqueue(&document, "extract", Priority::Person).await;
    for stage in ["extract", "chunk", "embed"] {
        let call = calls.next_of(stage).await;
        assert_eq!((&call.document.id, call.item.attempts), (&document.id, 1));
        assert_eq!(call.item.priority, Priority::Person, "it is handed on");
        let id = call.item.id.clone();
        call.succeed_with(stage);
        let row = bed.until_status(&id, Status::Completed).await;
        assert_eq!((row.error_message, row.progress), (None, Some(1.0)));
    }
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("embed"));
    working.end().await;
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn a_join_is_enqueued_once(bed: Bed) {
    let (graph, mut calls) = controlled(DIAMOND);
    let mut tx = bed.write().await.unwrap();
    tx.pause_stage("join", crate::bed::NOW).await.unwrap();
    tx.commit().await.unwrap();
    let working = bed.start(&graph, eager("w"));
    bed.submit("a", "extract").await;
    calls.next_of("extract").await.succeed();
    for _ in 0..2 {
        let call = calls.next().await;
        let id = call.item.id.clone();
        call.succeed();
        bed.until_status(&id, Status::Completed).await;
    }
    let mut tx = bed.write().await.unwrap();
    tx.resume_stage("join").await.unwrap();
    tx.commit().await.unwrap();
    calls.next_of("join").await.succeed();
    working.end().await;
    assert_eq!(bed.rows("join").await.len(), 1);
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn a_result_that_comes_while_the_join_runs_asks_for_one_more_run(bed: Bed) {
    let (graph, mut calls) = controlled(DIAMOND);
    let working = bed.start(&graph, eager("w"));
    bed.submit("a", "extract").await;
    calls.next_of("extract").await.succeed();
    let (first, second) = (calls.next().await, calls.next().await);
    first.succeed();
    let join = calls.next_of("join").await;
    let id = second.item.id.clone();
    second.succeed();
    bed.until_status(&id, Status::Completed).await;
    assert!(calls.none(), "two runs of one stage never overlap");
    join.succeed();
    calls.next_of("join").await.succeed();
    working.end().await;
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn results_wake_the_next_stage_without_a_poll(bed: Bed) {
    let (graph, mut calls) = controlled(LINE);
    let working = bed.start(&graph, told("w"));
    for n in 0..5 {
        bed.submit(&format!("d{n}"), "extract").await;
    }
    for _ in 0..5 * LINE.len() {
        calls.next().await.succeed();
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn work_is_begun_at_once_by_an_idle_runner(bed: Bed) {
    let (graph, mut calls) = controlled(TWO);
    let working = bed.start(&graph, told("w"));
    for title in ["first", "second", "third"] {
        let id = bed.submit(title, "short").await;
        calls.next_of("short").await.succeed();
        bed.until_status(&id, Status::Completed).await;
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn the_concurrency_of_a_stage_is_reached_and_not_exceeded(bed: Bed) {
    let (graph, mut calls) = controlled(WIDE);
    let working = bed.start(&graph, eager("w"));
    for n in 0..9 {
        bed.submit(&format!("d{n}"), "wide").await;
    }
    let mut running = vec![];
    for n in 0..9 {
        while running.len() < 3.min(9 - n) {
            running.push(calls.next_of("wide").await);
        }
        // A whole round of another stage gives the runner every chance to begin one too many.
        bed.submit(&format!("other{n}"), "other").await;
        calls.next_of("other").await.succeed();
        assert!(calls.none(), "{n}");
        running.remove(0).succeed();
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn concurrency_can_be_overridden_and_none_means_never(bed: Bed) {
    let (graph, mut calls) = controlled(WIDE);
    let config = RunnerConfig {
        concurrency: HashMap::from([("wide".into(), 0), ("other".into(), 2)]),
        ..eager("w")
    };
    let working = bed.start(&graph, config);
    let never = bed.submit("never", "wide").await;
    bed.submit("a", "other").await;
    bed.submit("b", "other").await;
    let (first, second) = (calls.next_of("other").await, calls.next_of("other").await);
    first.succeed();
    second.succeed();
    working.end().await;
    assert!(calls.none());
    bed.assert_open(&[&never]).await;
}

async fn a_long_run_holds_up_no_other_stage(bed: Bed) {
    const GREEDY: &[StageSpec] = &[wide("greedy", 9), wide("modest", 2)];
    let (graph, mut calls) = controlled(GREEDY);
    let lanes = LaneLimits {
        cpu: 2,
        gpu: 0,
        llm: 0,
    };
    let working = bed.start(
        &graph,
        RunnerConfig {
            lanes,
            ..eager("w")
        },
    );
    for n in 0..4 {
        bed.submit(&format!("g{n}"), "greedy").await;
    }
    let mut long = vec![];
    for _ in 0..3 {
        long.push(calls.next_of("greedy").await);
    }
    for n in 0..4 {
        bed.submit(&format!("m{n}"), "modest").await;
        calls.next_of("modest").await.succeed();
    }
    assert!(long.iter().all(|call| call.goes_on()));
    long.drain(..).for_each(|call| call.succeed());
    calls.next_of("greedy").await.succeed();
    working.end().await;
    bed.assert_settled().await;
}

async fn a_full_lane_is_handed_on_without_a_poll(bed: Bed) {
    const FULL: &[StageSpec] = &[wide("first", 3), wide("second", 3)];
    let (graph, mut calls) = controlled(FULL);
    let lanes = LaneLimits {
        cpu: 1,
        gpu: 0,
        llm: 0,
    };
    let working = bed.start(&graph, RunnerConfig { lanes, ..told("w") });
    for n in 0..12 {
        let stage = ["first", "second"][n % 2];
        bed.submit(&format!("d{n}"), stage).await;
    }
    let (mut running, mut done) = (vec![], 0);
    for _ in 0..3 {
        running.push(calls.next().await);
    }
    while done < 12 {
        done += running.len();
        running.drain(..).for_each(|call| call.succeed());
        for _ in 0..2.min(12 - done) {
            running.push(calls.next().await);
        }
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn what_a_person_waits_for_goes_first(bed: Bed) {
    let (graph, mut calls) = controlled(TWO);
    let working = bed.start(&graph, eager("w"));
    bed.submit("before", "long").await;
    let before = calls.next_of("long").await;
    let (bulk, person) = (bed.add("bulk").await, bed.add("person").await);
    bed.enqueue(&bulk, "long", Priority::Bulk).await;
    bed.enqueue(&person, "long", Priority::Person).await;
    before.succeed();
    for expected in [&person, &bulk] {
        let call = calls.next_of("long").await;
        assert_eq!(call.document.title, expected.title);
        call.succeed();
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn a_paused_stage_stands_still_until_it_is_resumed(bed: Bed) {
    let (graph, mut calls) = controlled(TWO);
    let mut tx = bed.write().await.unwrap();
    tx.pause_stage("long", crate::bed::NOW).await.unwrap();
    tx.commit().await.unwrap();
    let working = bed.start(&graph, told("w"));
    let held = bed.submit("held", "long").await;
    bed.submit("free", "short").await;
    let call = calls.next_of("short").await;
    call.succeed();
    assert_eq!(bed.row(&held).await.status, Status::Pending);
    assert!(calls.none());
    let mut tx = bed.write().await.unwrap();
    tx.resume_stage("long").await.unwrap();
    tx.commit().await.unwrap();
    calls.next_of("long").await.succeed();
    working.end().await;
    bed.assert_settled().await;
}

async fn a_runner_of_some_stages_leaves_the_others_alone(bed: Bed) {
    let (graph, mut calls) = controlled(LINE);
    let config = RunnerConfig {
        stages: vec!["extract".into()],
        ..eager("w")
    };
    let working = bed.start(&graph, config);
    for title in ["a", "b"] {
        let id = bed.submit(title, "extract").await;
        calls.next_of("extract").await.succeed();
        bed.until_status(&id, Status::Completed).await;
    }
    working.end().await;
    assert!(calls.none());
    let rows = bed.rows("chunk").await;
    assert_eq!(rows.len(), 2, "the next stage is enqueued all the same");
    bed.assert_open(&[&rows[0].id, &rows[1].id]).await;
}

async fn two_runners_never_run_a_row_twice(bed: Bed) {
    const DOCUMENTS: usize = 40;
    const STAGES: &[StageSpec] = &[
        wide("extract", 3),
        StageSpec {
            lane: Lane::Gpu,
            ..spec("embed", &["extract"])
        },
    ];
    for n in 0..DOCUMENTS {
        bed.submit(&format!("d{n}"), "extract").await;
    }
    let mut working = vec![];
    let mut answering = JoinSet::new();
    let (told, mut effects) = tokio::sync::mpsc::unbounded_channel();
    for worker in ["one", "two"] {
        let (graph, mut calls) = controlled(STAGES);
        working.push(bed.start_on(bed.open_again().await, &graph, eager(worker)));
        let told = told.clone();
        answering.spawn(async move {
            loop {
                let call = calls.next().await;
                let effect = (call.item.stage.clone(), call.document.title.clone());
                told.send((effect, call.item.attempts)).unwrap();
                call.succeed();
            }
        });
    }
    let mut counts: HashMap<(String, String), i64> = HashMap::new();
    for _ in 0..DOCUMENTS * STAGES.len() {
        let (effect, attempts) = within("every row is run", effects.recv()).await.unwrap();
        assert_eq!(attempts, 1);
        *counts.entry(effect).or_default() += 1;
    }
    for runner in working {
        runner.end().await;
    }
    answering.shutdown().await;
    assert!(effects.is_empty(), "a row was run again");
    assert_eq!(counts.len(), DOCUMENTS * STAGES.len());
    assert!(counts.values().all(|&count| count == 1));
    bed.assert_settled().await;
}
