//! Clocks that are set while a load goes on: no run is done twice, and none is left behind.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, DocumentId, ManualClock, Priority, Status};
use queue::RunnerConfig;
use store::Store;

use crate::bed::{Bed, Working};
use crate::conformance;
use crate::faults::{
    FIRST, SECOND, ask, assert_once, brisk, documents, done, marking, rows, until, until_done,
    until_settled,
};

conformance!(
    a_clock_that_jumps_ahead_mid_load_costs_nothing,
    a_clock_that_jumps_back_mid_load_holds_nothing_up,
    a_clock_that_steps_back_a_little_holds_work_up_no_longer_than_that,
    a_worker_whose_clock_is_an_hour_ahead_does_nothing_twice,
);

const HOUR_MS: i64 = 3_600_000;
const DOCUMENTS: usize = 150;

/// Time enough for a jump to come in the middle of many runs.
const WORK: Duration = Duration::from_millis(20);

/// A load, and a runner on it whose second stage does not keep up, so that some of its rows always wait.
async fn begin(bed: &Bed) -> (Vec<DocumentId>, Working) {
    let all = documents(bed, "load", DOCUMENTS).await;
    ask(bed, &all, FIRST, Priority::Bulk, &*bed.clock).await;
    let config = RunnerConfig {
        concurrency: [(SECOND.name.to_owned(), 1)].into(),
        ..brisk("w")
    };
    (all, bed.start(&marking(WORK), config))
}

async fn assert_first_tries(store: &Store) {
    for row in rows(store).await {
        assert_eq!((row.attempts, row.crashes), (1, 0), "{row:#?}");
    }
}

async fn a_clock_that_jumps_ahead_mid_load_costs_nothing(bed: Bed) {
    let (all, working) = begin(&bed).await;
    for part in 1..=5 {
        until_done(&bed, part * DOCUMENTS / 4).await;
        bed.clock.advance_ms(HOUR_MS);
    }
    assert!(done(&bed).await < 2 * DOCUMENTS, "set in the middle of it");
    until_settled(&bed).await;
    working.end().await;
    assert_once(&bed, &all).await;
    assert_first_tries(&bed).await;
}

async fn a_clock_that_jumps_back_mid_load_holds_nothing_up(bed: Bed) {
    let (all, working) = begin(&bed).await;
    for (part, jump_ms) in [(1, HOUR_MS), (2, 24 * HOUR_MS), (3, HOUR_MS)] {
        until_done(&bed, part * DOCUMENTS / 3).await;
        bed.clock.advance_ms(-jump_ms);
    }
    assert!(done(&bed).await < 2 * DOCUMENTS, "set in the middle of it");
    until_settled(&bed).await;
    working.end().await;
    assert_once(&bed, &all).await;
    assert_first_tries(&bed).await;
}

/// What is due in a while may be meant so: after a small step back, work waits for the clock.
async fn a_clock_that_steps_back_a_little_holds_work_up_no_longer_than_that(bed: Bed) {
    let step_ms = HOUR_MS / 6;
    let (all, working) = begin(&bed).await;
    until_done(&bed, DOCUMENTS / 2).await;
    bed.clock.advance_ms(-step_ms);
    // Work that is asked for now does not wait.
    let fresh = documents(&bed, "fresh", 10).await;
    ask(&bed, &fresh, FIRST, Priority::Bulk, &*bed.clock).await;
    let is_fresh_done = async || {
        let mut rows = rows(&bed).await;
        rows.retain(|row| fresh.contains(&row.document_id) && row.status == Status::Completed);
        rows.len() == 2 * fresh.len()
    };
    until("new work is done", is_fresh_done).await;
    bed.clock.advance_ms(step_ms);
    until_settled(&bed).await;
    working.end().await;
    assert_once(&bed, &[all, fresh].concat()).await;
    assert_first_tries(&bed).await;
}

async fn a_worker_whose_clock_is_an_hour_ahead_does_nothing_twice(bed: Bed) {
    let all = documents(&bed, "load", DOCUMENTS).await;
    ask(&bed, &all, FIRST, Priority::Bulk, &*bed.clock).await;
    let graph = marking(WORK);
    let ahead = Arc::new(ManualClock::new(bed.clock.now().plus_ms(HOUR_MS)));
    let other = Working::start(
        bed.open_again().await,
        &graph,
        ahead.clone(),
        brisk("ahead"),
    );
    let working = bed.start(&graph, brisk("w"));
    until_done(&bed, DOCUMENTS).await;
    // What the other one hands on is due an hour later here.
    bed.clock.advance_ms(HOUR_MS);
    until_settled(&bed).await;
    working.end().await;
    other.end().await;
    assert_once(&bed, &all).await;
}
