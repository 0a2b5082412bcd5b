//! The queue's rarer transitions, so that every row of the table in docs/queue.md has a case of its own.

use model::{Priority, QueueItem, QueueItemId, Status, Timestamp};
use store::{Claim, Enqueue, Failure, Pick};

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_bold_claim_takes_what_a_careful_one_does,
    an_express_claim_takes_only_what_a_person_waits_for,
    a_paused_stage_gives_nothing_to_any_claim,
    every_way_back_leaves_a_pending_twin_alone,
    a_row_goes_back_later_with_every_death_until_it_fails,
    a_suspect_stays_one_when_a_person_retries_it,
    a_row_that_waits_is_cancelled_and_revived,
    a_row_revived_beside_a_run_waits_for_its_end,
    a_revived_row_can_be_done_by_a_newer_request_instead,
);

fn failure() -> Failure {
    Failure {
        code: "broken".into(),
        message: "why".into(),
    }
}

fn claim<'a>(lease_id: &'a str, pick: Pick) -> Claim<'a> {
    Claim {
        stage: "extract",
        worker: "tester",
        lease_id,
        lease_until: NOW.plus_ms(60_000),
        limit: 9,
        pick,
    }
}

fn ids(items: &[QueueItem]) -> Vec<QueueItemId> {
    items.iter().map(|item| item.id.clone()).collect()
}

async fn release(db: &Database, now: Timestamp) -> u64 {
    let mut tx = db.write().await;
    let count = tx.release_worker("tester", now).await.unwrap();
    tx.commit().await.unwrap();
    count
}

/// A row whose worker died twice with it, and when it is due again.
async fn suspect(db: &Database, title: &str) -> (QueueItem, Timestamp) {
    let document = db.add(title).await;
    db.enqueue(&document, "extract").await;
    db.claim("extract", 1, NOW).await;
    assert_eq!(release(db, NOW).await, 1);
    let item = db.claim("extract", 1, NOW).await.remove(0);
    assert_eq!(release(db, NOW).await, 1);
    let row = db.item(&item.id).await.unwrap();
    assert_eq!((row.status, row.crashes), (Status::Pending, 2));
    let due = row.run_at;
    (row, due)
}

async fn a_bold_claim_takes_what_a_careful_one_does(db: Database) {
    for (title, priority) in [("a", 0), ("b", 10), ("c", -10)] {
        let document = db.add(title).await;
        db.enqueue_with(&document, "extract", priority, NOW).await;
    }
    let mut tx = db.write().await;
    let careful = tx.claim(&claim("one", Pick::Any), NOW).await.unwrap();
    drop(tx);
    let mut tx = db.write().await;
    let bold = tx
        .claim_boldly(&claim("one", Pick::Any), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let order: Vec<_> = bold.iter().map(|item| item.priority).collect();
    assert_eq!(order, Priority::ALL);
    assert_eq!(bold, careful);
    for item in bold {
        assert_eq!(db.item(&item.id).await.unwrap(), item);
    }
}

async fn an_express_claim_takes_only_what_a_person_waits_for(db: Database) {
    let bulk = db.add("bulk").await;
    db.enqueue(&bulk, "extract").await;
    let (suspect, due) = suspect(&db, "poison").await;
    let mut tx = db.write().await;
    assert!(
        tx.set_priority(&suspect.id, Priority::Person)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let express = |now| db.claim_picked("extract", Pick::Person, now);
    assert_eq!(express(due).await, [], "neither the bulk nor a suspect");
    let upload = db.add("upload").await;
    db.enqueue_with(&upload, "extract", Priority::Person, due)
        .await;
    let taken = express(due).await.remove(0);
    assert_eq!(taken.document_id, upload.id);
}

async fn a_paused_stage_gives_nothing_to_any_claim(db: Database) {
    let (_, due) = suspect(&db, "poison").await;
    let upload = db.add("upload").await;
    db.enqueue_with(&upload, "extract", Priority::Person, NOW)
        .await;
    let mut tx = db.write().await;
    tx.pause_stage("extract", NOW).await.unwrap();
    for pick in [Pick::Any, Pick::Person, Pick::Suspect] {
        let claim = claim("held", pick);
        assert_eq!(tx.claim(&claim, due).await.unwrap(), [], "{pick:?}");
        assert_eq!(tx.claim_boldly(&claim, due).await.unwrap(), [], "{pick:?}");
    }
    tx.resume_stage("extract").await.unwrap();
    for pick in [Pick::Person, Pick::Suspect] {
        let taken = tx.claim(&claim("free", pick), due).await.unwrap();
        assert_eq!(taken.len(), 1, "{pick:?}");
    }
}

async fn every_way_back_leaves_a_pending_twin_alone(db: Database) {
    for way in ["retry", "wait", "hand back", "release", "rescue"] {
        let document = db.add(way).await;
        db.enqueue_with(&document, "extract", Priority::Person, NOW)
            .await;
        let item = db.claim_one("extract").await;
        db.enqueue(&document, "extract").await;
        let later = NOW.plus_ms(60_001);
        let mut tx = db.write().await;
        let ended = match way {
            "retry" => tx.retry_at(&item, &failure(), later, NOW).await.unwrap(),
            "wait" => tx
                .wait_for(&item, "model", &failure(), later, NOW)
                .await
                .unwrap(),
            "hand back" => tx.hand_back(&item, NOW).await.unwrap(),
            "release" => tx.release_worker("tester", NOW).await.unwrap() == 1,
            _ => tx.rescue(later).await.unwrap() == 1,
        };
        assert!(ended, "{way}");
        tx.commit().await.unwrap();
        assert_eq!(db.item(&item.id).await, None, "{way}");
        let twin = db.claim_one("extract").await;
        assert_ne!(twin.id, item.id, "{way}");
        assert_eq!((twin.attempts, twin.crashes), (1, 0), "{way}");
        let mut tx = db.write().await;
        assert!(tx.complete(&twin, 1, NOW).await.unwrap());
        tx.commit().await.unwrap();
    }
}

async fn a_row_goes_back_later_with_every_death_until_it_fails(db: Database) {
    let document = db.add("poison").await;
    let work = Enqueue {
        max_attempts: 10,
        ..db.work(&document, "extract", 0, NOW)
    };
    let mut tx = db.write().await;
    assert!(tx.enqueue(&work, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let mut now = NOW;
    let seconds = [0, 1, 2, 4, 8, 16, 32, 60, 60];
    for (deaths, pause) in (1..).zip(seconds) {
        let pick = if deaths <= 2 {
            Pick::Any
        } else {
            Pick::Suspect
        };
        assert_eq!(db.claim_picked("extract", pick, now).await.len(), 1);
        assert_eq!(release(&db, now).await, 1);
        let row = db.item(&work.id).await.unwrap();
        assert_eq!((row.status, row.crashes), (Status::Pending, deaths));
        assert_eq!(row.run_at, now.plus_ms(1000 * pause), "death {deaths}");
        now = row.run_at;
    }
    let last = db.claim_picked("extract", Pick::Suspect, now).await;
    assert_eq!(last[0].attempts, 10);
    assert_eq!(release(&db, now).await, 1);
    let row = db.item(&work.id).await.unwrap();
    assert_eq!((row.status, row.crashes), (Status::Failed, 10));
    assert_eq!(row.error_code.as_deref(), Some("worker_lost"));
    assert!(row.error_message.unwrap().contains("10 times"));
}

async fn a_suspect_stays_one_when_a_person_retries_it(db: Database) {
    let (row, due) = suspect(&db, "poison").await;
    db.claim_picked("extract", Pick::Suspect, due).await;
    assert_eq!(release(&db, due).await, 1);
    assert_eq!(db.item(&row.id).await.unwrap().status, Status::Failed);
    let mut tx = db.write().await;
    assert!(tx.retry(&row.id, due).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.claim("extract", 9, due).await, []);
    let again = db.claim_picked("extract", Pick::Suspect, due).await;
    assert_eq!((again[0].attempts, again[0].crashes), (1, 3));
}

async fn a_row_that_waits_is_cancelled_and_revived(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let later = NOW.plus_ms(90_000);
    let mut tx = db.write().await;
    tx.wait_for(&item, "model", &failure(), later, NOW)
        .await
        .unwrap();
    assert!(tx.cancel(&item.id, NOW).await.unwrap());
    assert_eq!(tx.wake_waiting("model", NOW).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!((row.status, row.waiting_for), (Status::Cancelled, None));
    assert_eq!(row.error_code.as_deref(), Some("cancelled"));
    assert_eq!(db.claim("extract", 9, later).await, []);
    let mut tx = db.write().await;
    assert!(tx.retry(&item.id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let again = db.claim_one("extract").await;
    assert_eq!((again.id, again.attempts), (item.id, 1));
}

async fn a_row_revived_beside_a_run_waits_for_its_end(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let failed = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.fail(&failed, &failure(), NOW).await.unwrap());
    tx.commit().await.unwrap();
    db.enqueue(&document, "extract").await;
    let running = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.retry(&failed.id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.claim("extract", 9, NOW).await, []);
    let mut tx = db.write().await;
    assert!(tx.complete(&running, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ids(&db.claim("extract", 9, NOW).await), [failed.id]);
}

async fn a_revived_row_can_be_done_by_a_newer_request_instead(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let cancelled = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.cancel(&cancelled.id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    db.enqueue(&document, "extract").await;
    let mut tx = db.write().await;
    assert!(
        tx.retry(&cancelled.id, NOW).await.unwrap(),
        "it is asked for"
    );
    tx.commit().await.unwrap();
    let row = db.item(&cancelled.id).await.unwrap();
    assert_eq!(row.status, Status::Cancelled, "it stays as history");
    assert_eq!(db.claim("extract", 9, NOW).await.len(), 1);
}
