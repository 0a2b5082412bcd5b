//! The queue's state machine, transition by transition.

use model::{DocumentPatch, Priority, Status, Write};
use store::{Claim, Failure, Heartbeat, Pick};

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_second_enqueue_while_pending_changes_nothing,
    a_second_enqueue_raises_the_priority,
    an_enqueue_while_running_asks_for_one_more_run,
    claims_come_by_priority_then_age,
    a_row_is_not_claimed_before_its_time,
    a_claim_counts_the_attempt,
    completion_commits_with_results_and_next_stages,
    a_lost_claim_cannot_complete,
    a_retry_keeps_the_reason,
    waiting_uses_up_no_attempt_and_is_woken,
    handing_back_uses_up_no_attempt,
    a_long_message_is_cut_and_an_empty_one_replaced,
    a_heartbeat_prolongs_only_its_own_claim,
    rescue_leaves_live_work_alone,
    rescue_returns_expired_work,
    rescue_drops_a_row_with_a_pending_twin,
    rescue_fails_what_kills_its_workers,
    what_ran_beside_a_suspect_is_not_blamed,
    a_bold_claim_is_refused_where_a_run_goes_on,
    many_are_enqueued_and_completed_at_once,
    a_dead_workers_rows_are_released_at_once,
    going_back_with_a_pending_twin_leaves_one_row,
    a_removed_documents_row_cannot_complete,
    history_is_pruned_but_the_newest_stays,
);

fn failure(message: &str) -> Failure {
    Failure {
        code: "broken".into(),
        message: message.into(),
    }
}

async fn a_second_enqueue_while_pending_changes_nothing(db: Database) {
    let document = db.add("a").await;
    assert!(db.enqueue(&document, "extract").await);
    assert!(!db.enqueue(&document, "extract").await);
    assert_eq!(db.claim("extract", 10, NOW).await.len(), 1);
}

async fn a_second_enqueue_raises_the_priority(db: Database) {
    let document = db.add("a").await;
    db.enqueue_with(&document, "extract", Priority::Bulk, NOW)
        .await;
    db.enqueue_with(&document, "extract", Priority::Person, NOW)
        .await;
    db.enqueue_with(&document, "extract", Priority::Backfill, NOW)
        .await;
    assert_eq!(db.claim_one("extract").await.priority, Priority::Person);
}

async fn an_enqueue_while_running_asks_for_one_more_run(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let running = db.claim_one("extract").await;
    assert!(db.enqueue(&document, "extract").await);
    assert!(!db.enqueue(&document, "extract").await);
    let overlap = db.claim("extract", 10, NOW).await;
    assert_eq!(overlap, [], "two runs of one stage never overlap");
    let mut tx = db.write().await;
    assert!(tx.complete(&running, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_ne!(db.claim_one("extract").await.id, running.id);
}

async fn claims_come_by_priority_then_age(db: Database) {
    let mut ids = Vec::new();
    for (title, priority, age) in [("new", 0_i64, 0), ("old", 0, 500), ("upload", 10, 0)] {
        let document = db.add(title).await;
        db.enqueue_with(&document, "extract", priority, NOW.plus_ms(-age))
            .await;
        ids.push(document.id);
    }
    let claimed = db.claim("extract", 2, NOW).await;
    let order: Vec<_> = claimed.iter().map(|item| &item.document_id).collect();
    assert_eq!(order, [&ids[2], &ids[1]]);
    assert_eq!(db.claim_one("extract").await.document_id, ids[0]);
}

async fn a_row_is_not_claimed_before_its_time(db: Database) {
    let document = db.add("a").await;
    db.enqueue_with(&document, "extract", 0, NOW.plus_ms(1))
        .await;
    assert_eq!(db.claim("extract", 1, NOW).await, []);
    let due = db
        .read()
        .await
        .due_stages(store::Pick::Any, &["extract"], NOW)
        .await
        .unwrap();
    assert!(due.is_empty());
    let due = db
        .read()
        .await
        .due_stages(store::Pick::Any, &["extract"], NOW.plus_ms(1))
        .await
        .unwrap();
    assert_eq!(due, ["extract"]);
    assert_eq!(db.claim("extract", 1, NOW.plus_ms(1)).await.len(), 1);
}

async fn a_claim_counts_the_attempt(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    assert_eq!((item.attempts, item.status), (1, Status::Processing));
    assert_eq!(item.started_at, Some(NOW));
    assert_eq!(item.lease_until, Some(NOW.plus_ms(60_000)));
    assert_eq!(item.worker.as_deref(), Some("tester"));
}

async fn completion_commits_with_results_and_next_stages(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let writes = [Write::Patch(Box::new(DocumentPatch {
        extracted_text: Some("words".into()),
        ..DocumentPatch::default()
    }))];
    let mut tx = db.write().await;
    assert!(tx.complete(&item, 4, NOW).await.unwrap());
    tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    drop(tx);
    let untouched = db.item(&item.id).await.unwrap();
    assert_eq!(untouched.status, Status::Processing, "all or nothing");
    let text = db.read().await.extracted_text(&document.id).await.unwrap();
    assert_eq!(text, None);

    let mut tx = db.write().await;
    tx.complete(&item, 4, NOW).await.unwrap();
    tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let done = db.item(&item.id).await.unwrap();
    assert_eq!((done.status, done.stage_version), (Status::Completed, 4));
    assert_eq!((done.lease_id, done.worker), (None, None));
}

async fn a_lost_claim_cannot_complete(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let lost = db.claim_one("extract").await;
    let later = NOW.plus_ms(60_001);
    let mut tx = db.write().await;
    assert_eq!(tx.rescue(later).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let held = db.claim("extract", 1, later).await.remove(0);
    assert_eq!(held.id, lost.id);

    let mut tx = db.write().await;
    assert!(!tx.complete(&lost, 1, later).await.unwrap());
    assert!(!tx.fail(&lost, &failure("late"), later).await.unwrap());
    assert!(
        !tx.retry_at(&lost, &failure("late"), later, NOW)
            .await
            .unwrap()
    );
    assert!(!tx.hand_back(&lost, later).await.unwrap());
    assert!(tx.complete(&held, 1, later).await.unwrap());
}

async fn a_retry_keeps_the_reason(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let mut tx = db.write().await;
    let at = NOW.plus_ms(2000);
    assert!(tx.retry_at(&item, &failure("why"), at, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!(
        (row.status, row.attempts, row.run_at),
        (Status::Pending, 1, at)
    );
    assert_eq!(row.error_message.as_deref(), Some("why"));
    assert_eq!(db.claim("extract", 1, at).await[0].attempts, 2);
}

async fn waiting_uses_up_no_attempt_and_is_woken(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "stt").await;
    let item = db.claim_one("stt").await;
    let mut tx = db.write().await;
    let at = NOW.plus_ms(90_000);
    let reason = failure("no model yet");
    assert!(
        tx.wait_for(&item, "speech_model", &reason, at, NOW)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!((row.status, row.attempts), (Status::Pending, 0));
    assert_eq!(row.waiting_for.as_deref(), Some("speech_model"));
    assert_eq!(db.claim("stt", 1, NOW).await, []);

    let mut tx = db.write().await;
    assert_eq!(tx.wake_waiting("other", NOW).await.unwrap(), 0);
    assert_eq!(tx.wake_waiting("speech_model", NOW).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let again = db.claim_one("stt").await;
    assert_eq!((again.attempts, again.waiting_for), (1, None));
}

async fn handing_back_uses_up_no_attempt(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.hand_back(&item, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.claim_one("extract").await.attempts, 1);
}

async fn a_long_message_is_cut_and_an_empty_one_replaced(db: Database) {
    for (title, message, expected) in [
        ("long", "긴".repeat(900), "긴".repeat(500)),
        ("empty", "  ".to_owned(), "broken".to_owned()),
    ] {
        let document = db.add(title).await;
        db.enqueue(&document, "extract").await;
        let item = db.claim_one("extract").await;
        let mut tx = db.write().await;
        assert!(tx.fail(&item, &failure(&message), NOW).await.unwrap());
        tx.commit().await.unwrap();
        let row = db.item(&item.id).await.unwrap();
        assert_eq!(row.error_message, Some(expected));
        assert_eq!((row.status, row.completed_at), (Status::Failed, Some(NOW)));
    }
}

async fn a_heartbeat_prolongs_only_its_own_claim(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let until = NOW.plus_ms(99_000);
    let beat = |lease_id: &str| Heartbeat {
        id: item.id.clone(),
        lease_id: lease_id.into(),
        progress: Some(0.5),
    };
    let own = beat(item.lease_id.as_deref().unwrap());
    let mut tx = db.write().await;
    assert_eq!(tx.heartbeat(&[beat("foreign")], until).await.unwrap(), []);
    let held = tx.heartbeat(&[own], until).await.unwrap();
    assert_eq!(held, std::slice::from_ref(&item.id));
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!((row.lease_until, row.progress), (Some(until), Some(0.5)));
}

async fn rescue_leaves_live_work_alone(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "stt").await;
    let item = db.claim_one("stt").await;
    let mut tx = db.write().await;
    assert_eq!(tx.rescue(NOW.plus_ms(60_000)).await.unwrap(), 0);
    assert!(tx.complete(&item, 1, NOW).await.unwrap());
}

async fn rescue_returns_expired_work(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let later = NOW.plus_ms(60_001);
    let mut tx = db.write().await;
    assert_eq!(tx.rescue(later).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let row = db.item(&item.id).await.unwrap();
    assert_eq!((row.status, row.run_at), (Status::Pending, later));
    assert_eq!(row.error_code.as_deref(), Some("worker_lost"));
}

async fn rescue_drops_a_row_with_a_pending_twin(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let stale = db.claim_one("extract").await;
    db.enqueue(&document, "extract").await;
    let later = NOW.plus_ms(60_001);
    let mut tx = db.write().await;
    assert_eq!(tx.rescue(later).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(db.item(&stale.id).await, None);
    assert_eq!(db.claim("extract", 9, later).await.len(), 1);
}

async fn rescue_fails_what_kills_its_workers(db: Database) {
    let document = db.add("poison").await;
    db.enqueue(&document, "extract").await;
    let mut now = NOW;
    for attempt in 1..=3 {
        // Twice it may have been anything; from then on it is a suspect.
        let pick = if attempt <= 2 {
            Pick::Any
        } else {
            Pick::Suspect
        };
        let item = db.claim_picked("extract", pick, now).await.remove(0);
        assert_eq!((item.attempts, item.crashes), (attempt, attempt - 1));
        now = now.plus_ms(60_001);
        let mut tx = db.write().await;
        assert_eq!(tx.rescue(now).await.unwrap(), 1);
        tx.commit().await.unwrap();
        now = now.plus_ms(60_001);
    }
    for pick in [Pick::Any, Pick::Suspect] {
        assert_eq!(db.claim_picked("extract", pick, now).await, []);
    }
    let rows = db.read().await.document_stages(&document.id).await.unwrap();
    assert_eq!(rows[0].status, Status::Failed);
    assert!(rows[0].error_message.as_ref().unwrap().contains("3 times"));
}

async fn what_ran_beside_a_suspect_is_not_blamed(db: Database) {
    let poison = db.add("poison").await;
    db.enqueue(&poison, "extract").await;
    let mut now = NOW;
    for _ in 0..2 {
        db.claim("extract", 1, now).await;
        now = now.plus_ms(60_001);
        let mut tx = db.write().await;
        assert_eq!(tx.release_worker("tester", now).await.unwrap(), 1);
        tx.commit().await.unwrap();
        now = now.plus_ms(60_001);
    }
    let innocent = db.add("innocent").await;
    db.enqueue(&innocent, "extract").await;
    let beside = db.claim("extract", 9, now).await.remove(0);
    assert_eq!(beside.document_id, innocent.id, "the suspect is left alone");
    let suspect = db
        .claim_picked("extract", Pick::Suspect, now)
        .await
        .remove(0);
    let mut tx = db.write().await;
    assert_eq!(tx.release_worker("tester", now).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let beside = db.item(&beside.id).await.unwrap();
    assert_eq!(
        (beside.attempts, beside.crashes, beside.run_at),
        (0, 0, now)
    );
    let suspect = db.item(&suspect.id).await.unwrap();
    assert_eq!((suspect.status, suspect.crashes), (Status::Failed, 3));
}

async fn a_bold_claim_is_refused_where_a_run_goes_on(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    db.claim_one("extract").await;
    db.enqueue(&document, "extract").await;
    let claim = Claim {
        stage: "extract",
        worker: "tester",
        lease_id: "bold",
        lease_until: NOW.plus_ms(1),
        limit: 9,
        pick: Pick::Any,
    };
    let mut tx = db.write().await;
    let refused = tx.claim_boldly(&claim, NOW.plus_ms(1)).await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
    drop(tx);
    let mut tx = db.write().await;
    assert_eq!(tx.claim(&claim, NOW.plus_ms(1)).await.unwrap(), []);
}

async fn many_are_enqueued_and_completed_at_once(db: Database) {
    let mut works = Vec::new();
    for number in 0..7 {
        let document = db.add(&number.to_string()).await;
        // The last two ask for the same work.
        let twice = if number == 6 { 2 } else { 1 };
        for _ in 0..twice {
            works.push(db.work(&document, "extract", Priority::Bulk, NOW));
        }
    }
    let mut tx = db.write().await;
    assert_eq!(tx.enqueue_all(&works, NOW).await.unwrap(), 7);
    tx.commit().await.unwrap();
    let items = db.claim("extract", 9, NOW).await;
    assert_eq!(items.len(), 7);
    let all: Vec<_> = items.iter().collect();
    let mut tx = db.write().await;
    assert!(tx.complete_all(&all[..3], 4, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let done = db.item(&items[0].id).await.unwrap();
    assert_eq!((done.status, done.stage_version), (Status::Completed, 4));
    let mut tx = db.write().await;
    let lost = tx.complete_all(&all, 4, NOW).await.unwrap();
    assert!(!lost, "three of them have no claim any more");
}

async fn a_dead_workers_rows_are_released_at_once(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert_eq!(tx.release_worker("somebody", NOW).await.unwrap(), 0);
    assert_eq!(tx.release_worker("tester", NOW).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(db.claim_one("extract").await.attempts, 2);
}

async fn going_back_with_a_pending_twin_leaves_one_row(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    db.enqueue(&document, "extract").await;
    let mut tx = db.write().await;
    assert!(tx.retry_at(&item, &failure("why"), NOW, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.item(&item.id).await, None);
    assert_eq!(db.claim("extract", 9, NOW).await.len(), 1);
}

async fn a_removed_documents_row_cannot_complete(db: Database) {
    let document = db.add("a").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.remove_document(&document.id).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = db.write().await;
    assert!(!tx.complete(&item, 1, NOW).await.unwrap());
}

async fn history_is_pruned_but_the_newest_stays(db: Database) {
    let document = db.add("a").await;
    for _ in 0..3 {
        db.enqueue(&document, "extract").await;
        let item = db.claim_one("extract").await;
        let mut tx = db.write().await;
        tx.complete(&item, 1, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = db.write().await;
    assert_eq!(tx.prune_history(NOW).await.unwrap(), 0, "too young");
    assert_eq!(tx.prune_history(NOW.plus_ms(1)).await.unwrap(), 2);
    assert_eq!(tx.document_stages(&document.id).await.unwrap().len(), 1);
}
