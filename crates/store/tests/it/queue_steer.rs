//! What people do to the queue, and what they see of it.

use std::collections::HashMap;

use model::{Document, DocumentId, Status};
use store::{Failure, PipelineState, QueueFilter};

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_failed_row_is_retried_with_all_its_tries,
    all_failed_rows_of_a_stage_are_retried,
    a_cancelled_run_loses_its_claim,
    a_paused_stage_claims_nothing,
    counts_tell_waiting_from_pending,
    what_waits_at_the_end_of_the_graph_holds_nothing_up,
    rows_are_listed_newest_first,
    waiting_rows_are_listed_apart,
);

async fn fail(db: &Database, title: &str, stage: &str) -> model::QueueItem {
    let document = db.add(title).await;
    db.enqueue(&document, stage).await;
    let item = db.claim_one(stage).await;
    let mut tx = db.write().await;
    let failure = Failure {
        code: "broken".into(),
        message: "why".into(),
    };
    tx.fail(&item, &failure, NOW).await.unwrap();
    tx.commit().await.unwrap();
    item
}

async fn a_failed_row_is_retried_with_all_its_tries(db: Database) {
    let item = fail(&db, "a", "extract").await;
    let mut tx = db.write().await;
    assert!(tx.retry(&item.id, NOW).await.unwrap());
    assert!(!tx.retry(&"none".into(), NOW).await.unwrap());
    tx.commit().await.unwrap();
    let again = db.claim_one("extract").await;
    assert_eq!((again.id, again.attempts), (item.id.clone(), 1));
    let mut tx = db.write().await;
    assert!(!tx.retry(&item.id, NOW).await.unwrap(), "it is running");
}

async fn all_failed_rows_of_a_stage_are_retried(db: Database) {
    fail(&db, "a", "extract").await;
    fail(&db, "b", "extract").await;
    fail(&db, "c", "stt").await;
    let mut tx = db.write().await;
    assert_eq!(tx.retry_failed(Some("extract"), NOW).await.unwrap(), 2);
    assert_eq!(tx.retry_failed(None, NOW).await.unwrap(), 1);
    assert_eq!(tx.retry_failed(None, NOW).await.unwrap(), 0);
}

async fn a_cancelled_run_loses_its_claim(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "stt").await;
    let item = db.claim_one("stt").await;
    let mut tx = db.write().await;
    assert!(tx.cancel(&item.id, NOW).await.unwrap());
    assert!(!tx.cancel(&item.id, NOW).await.unwrap());
    assert!(!tx.complete(&item, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!(row.status, Status::Cancelled);
    assert!(!row.error_message.unwrap().is_empty());
}

async fn a_paused_stage_claims_nothing(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let mut tx = db.write().await;
    tx.pause_stage("extract", NOW).await.unwrap();
    tx.pause_stage("extract", NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(db.claim("extract", 1, NOW).await, []);
    let again = db.open_again().await;
    let paused = again.read().await.unwrap().paused_stages().await.unwrap();
    assert_eq!(
        paused,
        HashMap::from([("extract".to_owned(), NOW)]),
        "it is kept"
    );
    let mut tx = db.write().await;
    tx.resume_stage("extract").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(db.claim("extract", 1, NOW).await.len(), 1);
}

/// A run of the stage begins and finds a model absent.
async fn wait(db: &Database, document: &Document, stage: &str) {
    db.enqueue(document, stage).await;
    let item = db.claim_one(stage).await;
    let mut tx = db.write().await;
    let reason = Failure {
        code: "model".into(),
        message: "none yet".into(),
    };
    let later = NOW.plus_ms(1);
    assert!(
        tx.wait_for(&item, "model", &reason, later, NOW)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
}

async fn counts_tell_waiting_from_pending(db: Database) {
    let waiting = db.add("waiting").await;
    wait(&db, &waiting, "stt").await;
    let pending = db.add("pending").await;
    db.enqueue(&pending, "stt").await;
    fail(&db, "failed", "extract").await;

    let mut tx = db.read().await;
    let counts = tx.stage_counts().await.unwrap();
    assert_eq!((counts["stt"].waiting, counts["stt"].pending), (1, 1));
    assert_eq!(counts["extract"].failed, 1);
    let ids = [waiting.id.clone(), pending.id.clone()];
    let states = tx.pipeline_states(&ids, &["embed"]).await.unwrap();
    assert_eq!(states[&waiting.id].waiting, 1);
    assert_eq!(
        (states[&pending.id].open, states[&pending.id].waiting),
        (1, 0)
    );
    assert_eq!(tx.oldest_pending().await.unwrap(), Some(NOW));
    assert_eq!(tx.completed_since(NOW).await.unwrap(), 0);
}

async fn what_waits_at_the_end_of_the_graph_holds_nothing_up(db: Database) {
    let ended = db.add("ended").await;
    wait(&db, &ended, "embed").await;
    let held_up = db.add("held up").await;
    wait(&db, &held_up, "embed").await;
    wait(&db, &held_up, "stt").await;
    let pending = db.add("pending").await;
    db.enqueue(&pending, "embed").await;
    let ids = [&ended, &held_up, &pending].map(|document| document.id.clone());

    let mut tx = db.read().await;
    let state = |open, waiting, total| PipelineState {
        open,
        waiting,
        failed: 0,
        total,
    };
    let of =
        |states: &HashMap<DocumentId, PipelineState>| ids.clone().map(|id| states[&id].clone());
    let states = tx.pipeline_states(&ids, &["embed", "none"]).await.unwrap();
    assert_eq!(
        of(&states),
        [state(0, 0, 1), state(1, 1, 2), state(1, 0, 1)]
    );
    let states = tx.pipeline_states(&ids, &[]).await.unwrap();
    assert_eq!(
        of(&states),
        [state(1, 1, 1), state(2, 2, 2), state(1, 0, 1)]
    );
}

async fn rows_are_listed_newest_first(db: Database) {
    let first = fail(&db, "a", "extract").await;
    let second = fail(&db, "b", "stt").await;
    let mut filter = QueueFilter {
        limit: 1,
        ..QueueFilter::default()
    };
    let mut tx = db.read().await;
    let page = tx.queue_items(&filter).await.unwrap();
    assert_eq!(page[0].id, second.id);
    filter.after = Some(page[0].id.clone());
    assert_eq!(tx.queue_items(&filter).await.unwrap()[0].id, first.id);
    let stt = QueueFilter {
        stage: Some("stt".into()),
        status: Some(Status::Failed),
        document_id: Some(second.document_id.clone()),
        limit: 9,
        ..QueueFilter::default()
    };
    assert_eq!(tx.queue_items(&stt).await.unwrap().len(), 1);
}

async fn waiting_rows_are_listed_apart(db: Database) {
    let waiting = db.add("waiting").await;
    wait(&db, &waiting, "stt").await;
    let pending = db.add("pending").await;
    db.enqueue(&pending, "stt").await;
    fail(&db, "failed", "extract").await;
    let mut tx = db.read().await;
    let filter = QueueFilter {
        waiting: true,
        limit: 9,
        ..QueueFilter::default()
    };
    let rows = tx.queue_items(&filter).await.unwrap();
    let of: Vec<_> = rows.into_iter().map(|row| row.document_id).collect();
    assert_eq!(of, [waiting.id]);
    let extract = QueueFilter {
        stage: Some("extract".into()),
        ..filter
    };
    assert_eq!(tx.queue_items(&extract).await.unwrap(), []);
}
