//! Whose turn it is beside what runs: a person's row gets a slot of its own, suspects get one between them.

use model::{Clock, Document, Lane, Priority, QueueItemId, StageSpec, SystemClock, SystemRandom};
use store::{Claim, Pick};

use crate::bed::{Bed, eager};
use crate::conformance;
use crate::control::{Calls, controlled, spec};

conformance!(
    an_upload_begins_beside_long_runs,
    nothing_begins_beside_a_run_on_the_accelerator,
    suspects_run_one_at_a_time_beside_normal_work,
);

const STAGES: &[StageSpec] = &[
    spec("long", &[]),
    StageSpec {
        lane: Lane::Gpu,
        ..spec("speech", &[])
    },
    StageSpec {
        concurrency: 3,
        ..spec("wide", &[])
    },
    spec("barrier", &[]),
];

/// Something else has been claimed, worked on and committed meanwhile.
async fn pass(bed: &Bed, calls: &mut Calls, title: &str) {
    let id = bed.submit(title, "barrier").await;
    calls.next_of("barrier").await.succeed();
    bed.until_status(&id, model::Status::Completed).await;
}

async fn waited_for(bed: &Bed, title: &str, stage: &str) -> Document {
    let document = bed.add(title).await;
    bed.enqueue(&document, stage, Priority::Person).await;
    document
}

async fn an_upload_begins_beside_long_runs(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    bed.submit("import", "long").await;
    bed.submit("more of it", "long").await;
    let import = calls.next_of("long").await;
    let upload = waited_for(&bed, "upload", "long").await;
    let express = calls.next_of("long").await;
    assert_eq!(express.document.id, upload.id);
    assert!(import.goes_on());
    let second = waited_for(&bed, "second upload", "long").await;
    pass(&bed, &mut calls, "meanwhile").await;
    assert!(calls.none(), "one express run at a time");
    express.succeed();
    let next = calls.next_of("long").await;
    assert_eq!(next.document.id, second.id);
    assert!(import.goes_on());
    next.succeed();
    import.succeed();
    calls.next_of("long").await.succeed();
    working.end().await;
    bed.assert_settled().await;
}

async fn nothing_begins_beside_a_run_on_the_accelerator(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    bed.submit("import", "speech").await;
    let import = calls.next_of("speech").await;
    bed.submit("more of it", "speech").await;
    let upload = waited_for(&bed, "upload", "speech").await;
    pass(&bed, &mut calls, "meanwhile").await;
    assert!(calls.none(), "one accelerator does one thing at a time");
    import.succeed();
    let next = calls.next_of("speech").await;
    assert_eq!(next.document.id, upload.id, "first of what waits");
    next.succeed();
    calls.next_of("speech").await.succeed();
    working.end().await;
    bed.assert_settled().await;
}

/// A worker claims the rows and dies, twice.
async fn kill_twice(bed: &Bed, rows: &[QueueItemId]) {
    for _ in 0..2 {
        let lease_id = model::new_uuid(&SystemClock, &SystemRandom);
        let claim = Claim {
            stage: "wide",
            worker: "dead",
            lease_id: &lease_id,
            lease_until: bed.clock.now().plus_ms(1),
            limit: 9,
            pick: Pick::Any,
        };
        let mut tx = bed.write().await.unwrap();
        let now = bed.clock.now();
        assert_eq!(tx.claim(&claim, now).await.unwrap().len(), rows.len());
        let back = tx.release_worker("dead", now).await.unwrap();
        assert_eq!(back, rows.len() as u64);
        tx.commit().await.unwrap();
    }
    for id in rows {
        assert_eq!(bed.row(id).await.crashes, 2);
    }
}

async fn suspects_run_one_at_a_time_beside_normal_work(bed: Bed) {
    let rows = [bed.submit("a", "wide").await, bed.submit("b", "wide").await];
    kill_twice(&bed, &rows).await;
    bed.clock.advance_ms(1_000);
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let first = calls.next_of("wide").await;
    assert!(rows.contains(&first.item.id));
    let normal = bed.submit("normal", "wide").await;
    let beside = calls.next_of("wide").await;
    assert_eq!(beside.item.id, normal);
    pass(&bed, &mut calls, "meanwhile").await;
    assert!(calls.none(), "there is room, but not for a second suspect");
    first.succeed();
    let second = calls.next_of("wide").await;
    assert!(rows.contains(&second.item.id));
    second.succeed();
    beside.succeed();
    working.end().await;
    bed.assert_settled().await;
}
