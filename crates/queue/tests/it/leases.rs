//! Claims: kept alive while a run goes on, lost, cancelled, and taken over.

use model::{Clock, StageSpec, Status};
use queue::RunnerConfig;

use crate::bed::{Bed, eager, told};
use crate::conformance;
use crate::control::{Call, controlled, spec};

conformance!(
    a_long_run_outlives_its_lease,
    a_run_whose_claim_is_lost_is_stopped,
    a_result_after_a_lost_claim_is_refused,
    a_new_claim_of_the_same_row_stops_the_old_run,
    the_end_of_an_old_run_leaves_the_new_claim_alive,
    a_cancelled_run_is_stopped_at_once,
    a_run_cancelled_by_another_process_is_stopped,
    a_crashed_runners_work_is_taken_over_once,
);

const LEASE_MS: i64 = 10_000;
const STAGES: &[StageSpec] = &[
    StageSpec {
        concurrency: 2,
        lease_ms: LEASE_MS,
        ..spec("stt", &[])
    },
    // Its longer lease must not prolong the other's.
    StageSpec {
        lease_ms: 100 * LEASE_MS,
        ..spec("other", &[])
    },
];

/// Takes the row of a run that lives back, as another process would that took the worker for dead.
async fn take_back(bed: &Bed) {
    let mut tx = bed.write().await.unwrap();
    let taken = tx.release_worker("w", bed.clock.now()).await;
    assert_eq!(taken.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn a_long_run_outlives_its_lease(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("three hours", "stt").await;
    let call = calls.next_of("stt").await;
    for _ in 0..8 {
        bed.clock.advance_ms(LEASE_MS * 3 / 4);
        let until = bed.clock.now().plus_ms(LEASE_MS);
        let row = bed.until(&id, |row| row.lease_until == Some(until)).await;
        assert_eq!((row.status, row.attempts), (Status::Processing, 1));
        assert_eq!(row.progress, Some(0.5));
    }
    assert!(call.goes_on());
    call.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!(row.attempts, 1);
    working.end().await;
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn a_run_whose_claim_is_lost_is_stopped(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    // Another process takes the row: this one claims nothing by itself any more.
    let (working, taker) = (bed.start(&graph, eager("w")), bed.open_again().await);
    let id = bed.submit("a", "stt").await;
    let call = calls.next_of("stt").await;
    let mut tx = bed.write().await.unwrap();
    tx.pause_stage("stt", bed.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    take_back(&bed).await;
    call.stopped().await;
    let row = bed.until_status(&id, Status::Pending).await;
    assert_eq!((row.attempts, row.lease_id), (1, None));
    let mut tx = taker.write().await.unwrap();
    tx.resume_stage("stt").await.unwrap();
    tx.commit().await.unwrap();
    let again = calls.next_of("stt").await;
    assert_eq!(again.item.attempts, 2);
    again.succeed();
    working.end().await;
    bed.assert_settled().await;
}

async fn a_result_after_a_lost_claim_is_refused(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let config = RunnerConfig {
        concurrency: [("stt".to_owned(), 1)].into(),
        ..told("w")
    };
    let working = bed.start(&graph, config);
    let document = bed.add("a").await;
    let id = bed.enqueue(&document, "stt", 0).await;
    let stale = calls.next_of("stt").await;
    take_back(&bed).await;
    stale.succeed_with("stale");
    let fresh = calls.next_of("stt").await;
    assert_eq!((&fresh.item.id, fresh.item.attempts), (&id, 2));
    assert_eq!(bed.text(&document.id).await, None, "refused");
    fresh.succeed_with("fresh");
    bed.until_status(&id, Status::Completed).await;
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("fresh"));
    working.end().await;
    bed.assert_settled().await;
}

async fn a_new_claim_of_the_same_row_stops_the_old_run(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, told("w"));
    let id = bed.submit("a", "stt").await;
    let old = calls.next_of("stt").await;
    take_back(&bed).await;
    let new = calls.next_of("stt").await;
    old.stopped().await;
    assert!(new.goes_on());
    new.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!(row.attempts, 2);
    working.end().await;
    bed.assert_settled().await;
}

async fn the_end_of_an_old_run_leaves_the_new_claim_alive(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, told("w"));
    let id = bed.submit("a", "stt").await;
    let old = calls.next_of("stt").await;
    take_back(&bed).await;
    let new = calls.next_of("stt").await;
    old.stopped().await;
    for _ in 0..4 {
        bed.clock.advance_ms(LEASE_MS * 3 / 4);
        announce_cancelled(&bed, &new);
        let until = bed.clock.now().plus_ms(LEASE_MS);
        bed.until(&id, |row| row.lease_until == Some(until)).await;
    }
    assert!(new.goes_on());
    new.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!(row.attempts, 2);
    working.end().await;
    bed.assert_settled().await;
}

/// Makes the runner look at its claims now: news of a cancellation, which need not be true any more.
fn announce_cancelled(bed: &Bed, call: &Call) {
    bed.announce(store::Event::Queue {
        id: call.item.id.clone(),
        document_id: call.document.id.clone(),
        stage: call.stage().to_owned(),
        status: Status::Cancelled,
        progress: None,
    });
}

async fn a_cancelled_run_is_stopped_at_once(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, told("w"));
    let id = bed.submit("a", "stt").await;
    let call = calls.next_of("stt").await;
    let mut tx = bed.write().await.unwrap();
    assert!(tx.cancel(&id, bed.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    call.stopped().await;
    assert_eq!(bed.row(&id).await.status, Status::Cancelled);
    // The news of a cancellation that is over does no harm to the run that follows it.
    let mut tx = bed.write().await.unwrap();
    assert!(tx.retry(&id, bed.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let again = calls.next_of("stt").await;
    announce_cancelled(&bed, &again);
    bed.until(&id, |row| row.progress == Some(0.5)).await;
    assert!(again.goes_on());
    again.succeed();
    bed.until_status(&id, Status::Completed).await;
    working.end().await;
    bed.assert_settled().await;
}

async fn a_run_cancelled_by_another_process_is_stopped(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let (working, other) = (bed.start(&graph, eager("w")), bed.open_again().await);
    let id = bed.submit("a", "stt").await;
    let call = calls.next_of("stt").await;
    let mut tx = other.write().await.unwrap();
    assert!(tx.cancel(&id, bed.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    call.stopped().await;
    working.end().await;
    assert_eq!(bed.row(&id).await.status, Status::Cancelled);
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn a_crashed_runners_work_is_taken_over_once(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let crashing = bed.start(&graph, eager("crashing"));
    let mut documents = vec![];
    for title in ["a", "b"] {
        let document = bed.add(title).await;
        bed.enqueue(&document, "stt", 0).await;
        documents.push(document);
    }
    let (first, second) = (calls.next().await, calls.next().await);
    crashing.crash().await;
    first.stopped().await;
    second.stopped().await;
    for row in bed.rows("stt").await {
        assert_eq!(row.status, Status::Processing, "nobody took leave");
    }
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start_on(bed.open_again().await, &graph, eager("next"));
    bed.submit("barrier", "other").await;
    calls.next_of("other").await.succeed();
    assert!(calls.none(), "the leases are not over");
    bed.clock.advance_ms(LEASE_MS + 1);
    for _ in &documents {
        let call = calls.next_of("stt").await;
        assert_eq!(call.item.attempts, 2);
        call.succeed_with("once");
    }
    working.end().await;
    for document in documents {
        assert_eq!(bed.text(&document.id).await.as_deref(), Some("once"));
    }
    assert!(calls.none());
    bed.assert_settled().await;
}
