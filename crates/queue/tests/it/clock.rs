//! Clocks that are set while work goes on.

use model::{Clock, StageSpec, Status, SystemClock, SystemRandom};
use store::{Claim, Pick};

use crate::bed::{Bed, eager};
use crate::conformance;
use crate::control::{controlled, spec};

conformance!(
    a_clock_that_jumps_ahead_takes_no_living_work,
    a_clock_that_jumps_back_keeps_claims,
    a_clock_that_jumps_back_holds_nothing_up,
);

const LEASE_MS: i64 = 10_000;
const HOUR_MS: i64 = 3_600_000;
const STAGES: &[StageSpec] = &[StageSpec {
    concurrency: 2,
    lease_ms: LEASE_MS,
    ..spec("stt", &[])
}];

/// Another worker claims what is due and is never heard of again.
async fn claim_and_die(bed: &Bed) {
    let claim = Claim {
        stage: "stt",
        worker: "dead",
        lease_id: &model::new_uuid(&SystemClock, &SystemRandom),
        lease_until: bed.clock.now().plus_ms(LEASE_MS),
        limit: 1,
        pick: Pick::Any,
    };
    let mut tx = bed.write().await.unwrap();
    let claimed = tx.claim(&claim, bed.clock.now()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    tx.commit().await.unwrap();
}

async fn a_clock_that_jumps_ahead_takes_no_living_work(bed: Bed) {
    let dead = bed.submit("of the dead", "stt").await;
    claim_and_die(&bed).await;
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let living = bed.submit("of the living", "stt").await;
    let call = calls.next_of("stt").await;
    assert_eq!(call.item.id, living);
    bed.clock.advance_ms(24 * HOUR_MS);
    // What the dead one held is taken back: so has all been that seemed to be over.
    let again = calls.next_of("stt").await;
    assert_eq!((&again.item.id, again.item.attempts), (&dead, 2));
    assert!(call.goes_on());
    let until = bed.clock.now().plus_ms(LEASE_MS);
    let row = bed
        .until(&living, |row| row.lease_until == Some(until))
        .await;
    assert_eq!((row.attempts, row.crashes), (1, 0));
    again.succeed();
    call.succeed();
    working.end().await;
    bed.assert_settled().await;
}

async fn a_clock_that_jumps_back_keeps_claims(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let before = bed.submit("before", "stt").await;
    let call = calls.next_of("stt").await;
    bed.clock.advance_ms(-HOUR_MS);
    let until = bed.clock.now().plus_ms(LEASE_MS);
    bed.until(&before, |row| row.lease_until == Some(until))
        .await;
    let after = bed.submit("after", "stt").await;
    let second = calls.next_of("stt").await;
    assert_eq!(second.item.id, after);
    assert!(call.goes_on());
    call.succeed();
    second.succeed();
    for id in [&before, &after] {
        let row = bed.until_status(id, Status::Completed).await;
        assert_eq!((row.attempts, row.crashes), (1, 0));
    }
    working.end().await;
    bed.assert_settled().await;
}

async fn a_clock_that_jumps_back_holds_nothing_up(bed: Bed) {
    let dead = bed.submit("of the dead", "stt").await;
    claim_and_die(&bed).await;
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    // Two fill the stage, so that the third is still to be done when the clock is set back.
    let running = [
        bed.submit("first", "stt").await,
        bed.submit("second", "stt").await,
    ];
    let (first, second) = (calls.next().await, calls.next().await);
    let third = bed.submit("third", "stt").await;
    bed.clock.advance_ms(-24 * HOUR_MS);
    let due = bed.clock.now();
    bed.until(&third, |row| row.run_at <= due).await;
    first.succeed();
    let call = calls.next().await;
    assert_eq!(call.item.id, third);
    call.succeed();
    second.succeed();
    for id in running.iter().chain([&third]) {
        bed.until_status(id, Status::Completed).await;
    }
    // No longer than any other dead worker's.
    bed.clock.advance_ms(15_001);
    let again = calls.next_of("stt").await;
    assert_eq!((&again.item.id, again.item.attempts), (&dead, 2));
    again.succeed();
    bed.until_status(&dead, Status::Completed).await;
    working.end().await;
    bed.assert_settled().await;
}
