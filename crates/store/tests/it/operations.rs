//! The queue as it is operated: many rows at once, what is outdated, what is forgotten, how fast it goes, what happened.

use model::{
    Category, Clock, Document, DocumentId, ManualClock, Priority, QueueItem, QueueItemId, Status,
    SystemRandom, Timestamp,
};
use store::{
    Enqueue, Event, Failure, MinuteCount, QueueFilter, QueueSelection, RerunSelection, TimelineKind,
};

use crate::conformance;
use crate::database::{Database, NOW, document};

conformance!(
    what_failed_is_revived_once,
    a_pending_row_that_is_retried_wakes_its_stage,
    a_selection_narrows_by_all_it_says,
    many_are_cancelled_and_their_claims_are_gone,
    only_a_pending_row_takes_a_priority,
    what_waits_is_told_by_what_is_absent,
    documents_to_rerun_are_selected,
    outdated_documents_are_found_step_by_step,
    what_failed_in_the_present_version_is_not_outdated,
    old_history_is_forgotten_in_steps,
    nothing_old_costs_one_look,
    the_rate_is_that_of_the_last_minutes,
    a_timeline_tells_what_happened,
    a_timeline_tells_who_gave_a_run_back,
);

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn failure(code: &str) -> Failure {
    Failure {
        code: code.into(),
        message: "why".into(),
    }
}

async fn fail(db: &Database, document: &Document, stage: &str, code: &str) -> QueueItem {
    db.enqueue(document, stage).await;
    let item = db.claim_one(stage).await;
    let mut tx = db.write().await;
    assert!(tx.fail(&item, &failure(code), NOW).await.unwrap());
    tx.commit().await.unwrap();
    item
}

async fn complete(db: &Database, document: &Document, stage: &str, version: i64) -> QueueItem {
    db.enqueue(document, stage).await;
    let item = db.claim_one(stage).await;
    let mut tx = db.write().await;
    assert!(tx.complete(&item, version, NOW).await.unwrap());
    tx.commit().await.unwrap();
    item
}

async fn add(db: &Database, title: &str, category: Category, tags: &[&str]) -> Document {
    let document = Document {
        category,
        tags: tags.iter().map(ToString::to_string).collect(),
        ..document(title)
    };
    let mut tx = db.write().await;
    tx.insert_document(&document, None).await.unwrap();
    tx.commit().await.unwrap();
    document
}

async fn selected(
    db: &Database,
    selection: QueueSelection,
    statuses: &[Status],
) -> Vec<QueueItemId> {
    let mut tx = db.read().await;
    tx.selected(&selection, statuses).await.unwrap()
}

async fn pending(db: &Database) -> usize {
    let filter = QueueFilter {
        status: Some(Status::Pending),
        limit: 1000,
        ..QueueFilter::default()
    };
    db.read().await.queue_items(&filter).await.unwrap().len()
}

async fn what_failed_is_revived_once(db: Database) {
    let document = db.add("a").await;
    let first = fail(&db, &document, "extract", "x").await;
    let second = fail(&db, &document, "extract", "x").await;
    let ids = [first.id.clone(), second.id.clone(), "none".into()];
    let mut tx = db.write().await;
    assert_eq!(tx.retry_all(&ids, NOW).await.unwrap(), 1);
    assert_eq!(tx.retry_all(&ids, NOW).await.unwrap(), 0, "it is pending");
    tx.commit().await.unwrap();
    assert_eq!(db.item(&second.id).await.unwrap().status, Status::Pending);
    assert_eq!(db.item(&first.id).await.unwrap().status, Status::Failed);
    assert_eq!(pending(&db).await, 1);
}

async fn a_pending_row_that_is_retried_wakes_its_stage(db: Database) {
    let late = db.add("late").await;
    let later = NOW.plus_ms(HOUR_MS);
    db.enqueue_with(&late, "stt", 0, later).await;
    let due = db.add("due").await;
    let earlier = NOW.plus_ms(-HOUR_MS);
    db.enqueue_with(&due, "stt", 0, earlier).await;
    let selection = QueueSelection::default();
    for id in selected(&db, selection, &[Status::Pending]).await {
        let before = db.item(&id).await.unwrap().run_at;
        let mut events = db.store.subscribe();
        let mut tx = db.write().await;
        assert!(tx.retry(&id, NOW).await.unwrap());
        tx.commit().await.unwrap();
        let event = events.try_recv().unwrap();
        assert!(
            matches!(&event, Event::Queue { id: of, status: Status::Pending, .. } if *of == id),
            "{event:?}"
        );
        // One that is due already keeps its place.
        assert_eq!(db.item(&id).await.unwrap().run_at, before.min(NOW));
    }
}

async fn a_selection_narrows_by_all_it_says(db: Database) {
    let song = add(&db, "song", Category::Audio, &["가족"]).await;
    let page = add(&db, "page", Category::Document, &["가족"]).await;
    let timed_out = fail(&db, &song, "stt", "timed_out").await.id;
    let broken = fail(&db, &page, "extract", "broken").await.id;
    db.enqueue(&page, "classify").await;

    let all = [Status::Failed, Status::Pending];
    let of = async |selection: QueueSelection| selected(&db, selection, &all).await;
    let any = QueueSelection::default;
    assert_eq!(of(any()).await.len(), 3);
    let by = |change: fn(&mut QueueSelection)| {
        let mut selection = any();
        change(&mut selection);
        selection
    };
    assert_eq!(
        of(by(|s| s.stage = Some("stt".into()))).await,
        std::slice::from_ref(&timed_out)
    );
    assert_eq!(
        of(by(|s| s.error_code = Some("broken".into()))).await,
        std::slice::from_ref(&broken)
    );
    assert_eq!(
        of(by(|s| s.category = Some(Category::Audio))).await,
        std::slice::from_ref(&timed_out)
    );
    assert_eq!(of(by(|s| s.tag = Some("가족".into()))).await.len(), 3);
    assert_eq!(of(by(|s| s.tag = Some("x".into()))).await, []);
    let of_page = QueueSelection {
        document_id: Some(page.id.clone()),
        status: Some(Status::Failed),
        ..any()
    };
    assert_eq!(of(of_page.clone()).await, [broken]);
    let none = QueueSelection {
        stage: Some("stt".into()),
        ..of_page
    };
    assert_eq!(of(none).await, []);
}

async fn many_are_cancelled_and_their_claims_are_gone(db: Database) {
    let documents = [db.add("a").await, db.add("b").await, db.add("c").await];
    for document in &documents {
        db.enqueue(document, "stt").await;
    }
    let running = db.claim_one("stt").await;
    let done = complete(&db, &documents[0], "extract", 1).await;
    let open = [Status::Pending, Status::Processing];
    let mut ids = selected(&db, QueueSelection::default(), &open).await;
    assert_eq!(ids.len(), 3);
    ids.push(done.id.clone());
    let mut tx = db.write().await;
    assert_eq!(tx.cancel_all(&ids, NOW).await.unwrap(), 3);
    assert_eq!(tx.cancel_all(&ids, NOW).await.unwrap(), 0);
    assert!(!tx.complete(&running, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.item(&done.id).await.unwrap().status, Status::Completed);
    let timeline = db
        .read()
        .await
        .timeline(&running.document_id)
        .await
        .unwrap();
    let last = timeline
        .iter()
        .find(|e| e.kind == TimelineKind::Cancelled)
        .unwrap();
    assert_eq!(last.worker.as_deref(), Some("tester"), "who ran it is kept");
}

async fn only_a_pending_row_takes_a_priority(db: Database) {
    let document = db.add("a").await;
    db.enqueue_with(&document, "stt", -10, NOW).await;
    let other = db.add("b").await;
    db.enqueue(&other, "stt").await;
    let ids = selected(&db, QueueSelection::default(), &[Status::Pending]).await;
    let mut tx = db.write().await;
    let id = ids[0].clone();
    assert!(tx.set_priority(&id, Priority::Person).await.unwrap());
    tx.commit().await.unwrap();
    let first = db.claim_one("stt").await;
    assert_eq!((first.id, first.document_id), (id.clone(), document.id));
    let mut tx = db.write().await;
    assert!(!tx.set_priority(&id, Priority::Bulk).await.unwrap());
    assert!(
        !tx.set_priority(&"none".into(), Priority::Bulk)
            .await
            .unwrap()
    );
}

async fn what_waits_is_told_by_what_is_absent(db: Database) {
    for (title, after) in [("a", 2), ("b", 1)] {
        let document = db.add(title).await;
        db.enqueue(&document, "stt").await;
        let item = db.claim_one("stt").await;
        let mut tx = db.write().await;
        let at = NOW.plus_ms(after);
        tx.wait_for(&item, "speech_model", &failure("speech_model"), at, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = db.read().await;
    let waiting = tx.waiting().await.unwrap();
    assert_eq!(waiting.len(), 1);
    let one = &waiting[0];
    assert_eq!((one.stage.as_str(), one.count), ("stt", 2));
    assert_eq!(one.waiting_for, "speech_model");
    assert_eq!(one.message.as_deref(), Some("why"));
    assert_eq!(one.next_look_at, NOW.plus_ms(1));
    let counts = tx.live_counts().await.unwrap();
    assert_eq!((counts["stt"].waiting, counts["stt"].pending), (2, 0));
    assert_eq!(counts["stt"].oldest_due_at, None, "none waits for its turn");
}

async fn documents_to_rerun_are_selected(db: Database) {
    let song = add(&db, "song", Category::Audio, &["x"]).await;
    let page = add(&db, "page", Category::Document, &[]).await;
    let trashed = add(&db, "trashed", Category::Document, &["x"]).await;
    let mut tx = db.write().await;
    tx.set_trashed(&trashed.id, Some(NOW), NOW).await.unwrap();
    tx.commit().await.unwrap();
    complete(&db, &song, "extract", 1).await;
    complete(&db, &page, "extract", 1).await;
    complete(&db, &page, "extract", 2).await;

    let of = async |selection: RerunSelection| {
        let mut tx = db.read().await;
        tx.documents_to_rerun("extract", 2, &selection)
            .await
            .unwrap()
    };
    let any = RerunSelection::default;
    let mut all = vec![song.id.clone(), page.id.clone()];
    all.sort();
    assert_eq!(of(any()).await, all);
    let only = |id: &DocumentId| vec![id.clone()];
    let outdated = RerunSelection {
        outdated: true,
        ..any()
    };
    assert_eq!(of(outdated).await, only(&song.id));
    let tagged = RerunSelection {
        tag: Some("x".into()),
        ..any()
    };
    assert_eq!(of(tagged).await, only(&song.id));
    let pages = RerunSelection {
        category: Some(Category::Document),
        ..any()
    };
    assert_eq!(of(pages.clone()).await, only(&page.id));
    let named = RerunSelection {
        document_id: Some(song.id.clone()),
        ..pages
    };
    assert_eq!(of(named).await, Vec::<DocumentId>::new());
}

/// All outdated documents, looked for in steps of that size.
async fn outdated(db: &Database, rows: i64, limit: i64) -> Vec<DocumentId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let mut tx = db.read().await;
        let step = tx
            .outdated_step("extract", 2, after.as_ref(), rows, limit)
            .await
            .unwrap();
        assert!(step.documents.len() <= usize::try_from(limit).unwrap());
        found.extend(step.documents);
        match step.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

async fn outdated_documents_are_found_step_by_step(db: Database) {
    let mut expected = Vec::new();
    for n in 0..7 {
        let document = db.add(&format!("old {n}")).await;
        complete(&db, &document, "extract", 1).await;
        complete(&db, &document, "classify", 1).await;
        expected.push(document.id);
    }
    let again = db.add("done again").await;
    complete(&db, &again, "extract", 1).await;
    complete(&db, &again, "extract", 2).await;
    expected.sort();
    for (rows, limit) in [(1, 1), (3, 2), (2, 100), (1000, 2), (1000, 1000)] {
        let mut found = outdated(&db, rows, limit).await;
        found.sort();
        assert_eq!(found, expected, "steps of {rows} rows, {limit} at once");
    }
    let mut tx = db.read().await;
    let counts = tx
        .outdated_counts(&[("extract", 2), ("classify", 1)])
        .await
        .unwrap();
    assert_eq!(counts.get("extract"), Some(&7));
    assert_eq!(counts.get("classify"), None, "its version was never raised");
}

async fn what_failed_in_the_present_version_is_not_outdated(db: Database) {
    let document = db.add("a").await;
    complete(&db, &document, "extract", 1).await;
    let failed_before = fail(&db, &document, "extract", "x").await;
    assert_eq!(failed_before.stage_version, 1);
    assert_eq!(
        outdated(&db, 10, 10).await,
        std::slice::from_ref(&document.id)
    );
    let work = Enqueue {
        id: QueueItemId::new(&model::SystemClock, &SystemRandom),
        document_id: document.id.clone(),
        stage: "extract".into(),
        priority: Priority::Backfill,
        run_at: NOW,
        max_attempts: 1,
        stage_version: 2,
    };
    let mut tx = db.write().await;
    assert!(tx.enqueue(&work, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = db.read().await;
    assert_eq!(tx.pending_backfill("extract", 10).await.unwrap(), 1);
    assert_eq!(tx.pending_backfill("extract", 0).await.unwrap(), 0);
    drop(tx);
    assert_eq!(outdated(&db, 10, 10).await, []);
    let item = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.fail(&item, &failure("x"), NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(outdated(&db, 10, 10).await, [], "it would fail for ever");
}

/// A completed run whose row was made at that time.
async fn ran_at(db: &Database, document: &Document, clock: &ManualClock) -> QueueItemId {
    let now = clock.now();
    let work = Enqueue {
        id: QueueItemId::new(clock, &SystemRandom),
        document_id: document.id.clone(),
        stage: "extract".into(),
        priority: Priority::Bulk,
        run_at: now,
        max_attempts: 3,
        stage_version: 1,
    };
    let mut tx = db.write().await;
    assert!(tx.enqueue(&work, now).await.unwrap());
    tx.commit().await.unwrap();
    let item = db.claim("extract", 1, now).await.pop().unwrap();
    let mut tx = db.write().await;
    assert!(tx.retry_at(&item, &failure("x"), now, now).await.unwrap());
    tx.commit().await.unwrap();
    let item = db.claim("extract", 1, now).await.pop().unwrap();
    let mut tx = db.write().await;
    assert!(tx.complete(&item, 1, now).await.unwrap());
    tx.commit().await.unwrap();
    work.id
}

async fn old_history_is_forgotten_in_steps(db: Database) {
    let clock = ManualClock::new(NOW);
    let documents = [db.add("a").await, db.add("b").await, db.add("c").await];
    let mut rows = Vec::new();
    for _day in 0..3 {
        for document in &documents {
            rows.push(ran_at(&db, document, &clock).await);
        }
        clock.advance_ms(DAY_MS);
    }
    let before = NOW.plus_ms(DAY_MS + HOUR_MS);
    // What the first day left was replaced on the second; what the second left, on the third: that is too young.
    let mut gone = 0;
    loop {
        let mut tx = db.write().await;
        let step = tx.prune_step(before, 2).await.unwrap();
        tx.commit().await.unwrap();
        gone += step.gone;
        if step.ended {
            break;
        }
    }
    assert_eq!(gone, 3);
    for (n, id) in rows.iter().enumerate() {
        assert_eq!(db.item(id).await.is_none(), n < 3, "row {n}");
    }
    let timeline = db.read().await.timeline(&documents[0].id).await.unwrap();
    let retried = |e: &&store::TimelineEntry| e.kind == TimelineKind::Retried;
    assert_eq!(timeline.iter().filter(retried).count(), 2, "{timeline:?}");
    // A month later everything but the newest row of each goes.
    let later = NOW.plus_ms(30 * DAY_MS);
    assert_eq!(db.store.prune(20 * DAY_MS, later).await.unwrap(), 3);
    assert_eq!(db.store.prune(20 * DAY_MS, later).await.unwrap(), 0);
    assert!(db.item(&rows[8]).await.is_some());
}

async fn nothing_old_costs_one_look(db: Database) {
    let clock = ManualClock::new(NOW);
    let document = db.add("a").await;
    let first = ran_at(&db, &document, &clock).await;
    clock.advance_ms(DAY_MS);
    ran_at(&db, &document, &clock).await;
    let mut tx = db.write().await;
    let counts = [MinuteCount::new("extract")];
    tx.count_minute(&counts, "w", NOW).await.unwrap();
    let step = tx.prune_step(NOW, 1).await.unwrap();
    assert_eq!((step.gone, step.ended), (0, true));
    // Past the newer row the older one goes; the walk does not begin anew.
    let later = NOW.plus_ms(2 * DAY_MS);
    let mut steps = 0;
    let mut gone = 0;
    loop {
        let step = tx.prune_step(later, 1).await.unwrap();
        steps += 1;
        gone += step.gone;
        if step.ended {
            break;
        }
    }
    assert_eq!((steps, gone), (3, 1));
    let step = tx.prune_step(later, 1).await.unwrap();
    assert_eq!((step.gone, step.ended), (0, true));
    tx.commit().await.unwrap();
    assert!(db.item(&first).await.is_none());
}

async fn the_rate_is_that_of_the_last_minutes(db: Database) {
    let count = async |stage, completed, failed, ago_ms: i64, worker: &str| {
        let counts = [MinuteCount {
            completed,
            failed,
            busy_us: 1_000_000 * (completed + failed),
            ..MinuteCount::new(stage)
        }];
        let mut tx = db.write().await;
        let at = NOW.plus_ms(-ago_ms);
        tx.count_minute(&counts, worker, at).await.unwrap();
        tx.commit().await.unwrap();
    };
    count("stt", 10, 0, 0, "a").await;
    count("stt", 10, 5, 4 * 60_000, "b").await;
    count("stt", 100, 0, 30 * 60_000, "a").await;
    count("stt", 1000, 0, 2 * HOUR_MS, "a").await;
    count("embed", 7, 0, 20 * 60_000, "a").await;
    let rates = db.read().await.stage_rates(NOW).await.unwrap();
    let stt = rates["stt"];
    assert_eq!((stt.completed, stt.runs), (20, 125));
    assert_eq!(stt.mean_s(), Some(1.0));
    // From the beginning of the minute in which the first of them ended.
    let window_ms = 4 * 60_000 + NOW.0 % 60_000;
    assert_eq!(stt.window_ms, window_ms);
    let embed = rates["embed"];
    assert_eq!((embed.completed, embed.per_minute()), (0, 0.0));
    assert_eq!(embed.eta_s(2, 1), Some(2.0), "by the length of a run");
    db.store
        .prune(DAY_MS, NOW.plus_ms(23 * HOUR_MS))
        .await
        .unwrap();
    assert_eq!(
        db.read().await.stage_rates(NOW).await.unwrap()["stt"].runs,
        125
    );
    db.store
        .prune(DAY_MS, NOW.plus_ms(25 * HOUR_MS))
        .await
        .unwrap();
    assert!(db.read().await.stage_rates(NOW).await.unwrap().is_empty());
}

fn kinds(timeline: &[store::TimelineEntry]) -> Vec<TimelineKind> {
    timeline.iter().map(|entry| entry.kind).collect()
}

async fn a_timeline_tells_what_happened(db: Database) {
    use TimelineKind::{Completed, Enqueued, Failed, Retried, Revived, Started};
    let document = db.add("a").await;
    db.enqueue(&document, "stt").await;
    let later = |ms| NOW.plus_ms(ms);
    let item = db.claim("stt", 1, later(1000)).await.pop().unwrap();
    let mut tx = db.write().await;
    tx.retry_at(&item, &failure("busy"), later(2000), later(1500))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let item = db.claim("stt", 1, later(2000)).await.pop().unwrap();
    let mut tx = db.write().await;
    tx.fail(&item, &failure("broken"), later(5000))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let timeline = db.read().await.timeline(&document.id).await.unwrap();
    assert_eq!(kinds(&timeline), [Enqueued, Retried, Started, Failed]);
    assert_eq!(timeline[1].code.as_deref(), Some("busy"));
    let failed = &timeline[3];
    assert_eq!((failed.attempt, failed.duration_s), (Some(2), Some(3.0)));
    assert_eq!(failed.message.as_deref(), Some("why"));
    assert_eq!(failed.worker.as_deref(), Some("tester"));

    let mut tx = db.write().await;
    assert!(tx.retry(&item.id, later(6000)).await.unwrap());
    tx.commit().await.unwrap();
    let item = db.claim("stt", 1, later(7000)).await.pop().unwrap();
    let mut tx = db.write().await;
    assert!(tx.complete(&item, 1, later(9000)).await.unwrap());
    tx.commit().await.unwrap();
    let timeline = db.read().await.timeline(&document.id).await.unwrap();
    assert_eq!(
        kinds(&timeline),
        [Enqueued, Retried, Failed, Revived, Started, Completed]
    );
    let done = &timeline[5];
    assert_eq!((done.at, done.duration_s), (later(9000), Some(2.0)));
    assert!(timeline.iter().all(|entry| entry.stage == "stt"));
    let other = db.read().await.timeline(&"none".into()).await.unwrap();
    assert_eq!(other, []);
}

async fn a_timeline_tells_who_gave_a_run_back(db: Database) {
    use TimelineKind::{Enqueued, HandedBack, Started, Waiting};
    let document = db.add("a").await;
    db.enqueue(&document, "stt").await;
    let later = |ms| NOW.plus_ms(ms);
    let item = db.claim("stt", 1, later(1)).await.pop().unwrap();
    let mut tx = db.write().await;
    assert!(tx.hand_back(&item, later(2)).await.unwrap());
    tx.commit().await.unwrap();
    let timeline = db.read().await.timeline(&document.id).await.unwrap();
    assert_eq!(kinds(&timeline), [Enqueued, Started, HandedBack]);
    for at in [3, 5] {
        let item = db.claim("stt", 1, later(at)).await.pop().unwrap();
        let mut tx = db.write().await;
        let again: Timestamp = later(at + 1);
        tx.wait_for(&item, "model", &failure("model"), again, again)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let timeline = db.read().await.timeline(&document.id).await.unwrap();
    assert_eq!(kinds(&timeline), [Enqueued, Waiting, Started], "told once");
}
