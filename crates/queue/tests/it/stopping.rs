//! The end of a runner: what is finished, what is handed back, what is not begun.

use std::time::Duration;

use model::{Clock, StageSpec, Status};
use queue::RunnerConfig;

use crate::bed::{Bed, eager, told};
use crate::conformance;
use crate::control::{LIMIT, controlled, spec, within};

conformance!(
    what_ends_within_the_grace_is_completed_and_nothing_new_begins,
    claims_are_kept_alive_during_the_grace,
    what_does_not_end_is_handed_back_untried,
    an_idle_runner_stops_at_once,
);

const STAGES: &[StageSpec] = &[
    StageSpec {
        concurrency: 2,
        ..spec("extract", &[])
    },
    spec("chunk", &["extract"]),
];

async fn what_ends_within_the_grace_is_completed_and_nothing_new_begins(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    bed.submit("first", "extract").await;
    bed.submit("second", "extract").await;
    let runs = (calls.next().await, calls.next().await);
    let (first, second) = (runs.0.item.id.clone(), runs.1.item.id.clone());
    let third = bed.submit("third", "extract").await;
    working.stop.cancel();
    runs.0.succeed();
    bed.until_status(&first, Status::Completed).await;
    runs.1.succeed();
    working.ended().await;
    assert_eq!(bed.row(&second).await.status, Status::Completed);
    assert!(calls.none(), "nothing new begins");
    let next = bed.rows("chunk").await;
    bed.assert_open(&[&third, &next[0].id, &next[1].id]).await;
    assert_eq!(bed.row(&third).await.attempts, 0);
}

async fn claims_are_kept_alive_during_the_grace(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "chunk").await;
    let call = calls.next_of("chunk").await;
    working.stop.cancel();
    for _ in 0..4 {
        bed.clock.advance_ms(7_500);
        let until = bed.clock.now().plus_ms(10_000);
        bed.until(&id, |row| row.lease_until == Some(until)).await;
    }
    call.succeed();
    working.ended().await;
    assert_eq!(bed.row(&id).await.attempts, 1);
    bed.assert_settled().await;
}

async fn what_does_not_end_is_handed_back_untried(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let config = RunnerConfig {
        grace: Duration::ZERO,
        ..told("w")
    };
    let working = bed.start(&graph, config);
    let id = bed.submit("a", "chunk").await;
    let call = calls.next_of("chunk").await;
    working.end().await;
    call.stopped().await;
    let row = bed.row(&id).await;
    assert_eq!((row.status, row.attempts), (Status::Pending, 0));
    assert_eq!((row.lease_id, row.worker), (None, None));

    let next = bed.start(&graph, told("next"));
    let call = calls.next_of("chunk").await;
    assert_eq!((&call.item.id, call.item.attempts), (&id, 1));
    call.succeed();
    next.end().await;
    bed.assert_settled().await;
}

async fn an_idle_runner_stops_at_once(bed: Bed) {
    let (graph, _calls) = controlled(STAGES);
    let config = RunnerConfig {
        // Past the limit of the case.
        grace: 2 * LIMIT,
        ..told("w")
    };
    within("it ends", bed.start(&graph, config).end()).await;
    bed.assert_settled().await;
}
