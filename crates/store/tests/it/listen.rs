//! What one process commits is told to the others on the same PostgreSQL.

use std::time::Duration;

use model::{QueueItemId, Status, SystemClock, SystemRandom};
use store::{Enqueue, Event, Store, StoreOptions};
use testkit::Wire;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

use crate::database::{Database, NOW, document};

/// A hint is of no use later than this: the poll has found the work by then.
const SOON: Duration = Duration::from_secs(1);
/// Nothing takes longer on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// Until the store hears others, or no longer does.
async fn until_hears(store: &Store, wanted: bool) {
    let mut looks = tokio::time::interval(LOOK);
    let waiting = async {
        while store.hears_others() != wanted {
            looks.tick().await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("hears_others never became {wanted}"));
}

/// A second process that hears already.
async fn other(db: &Database) -> (Store, Receiver<Event>) {
    let store = db.open_again().await;
    until_hears(&store, true).await;
    let events = store.subscribe();
    (store, events)
}

/// Everything heard up to the first event that is `last`, within `limit`.
async fn heard_until(
    events: &mut Receiver<Event>,
    limit: Duration,
    last: impl Fn(&Event) -> bool,
) -> Vec<Event> {
    let mut heard = Vec::new();
    let hearing = async {
        loop {
            let event = events.recv().await.unwrap();
            let is_last = last(&event);
            heard.push(event);
            if is_last {
                return;
            }
        }
    };
    let in_time = timeout(limit, hearing).await;
    assert!(in_time.is_ok(), "it never came; heard {heard:?}");
    heard
}

fn stage(name: &str) -> Event {
    Event::Stage { stage: name.into() }
}

async fn pause(store: &Store, name: &str) {
    let mut tx = store.write().await.unwrap();
    tx.pause_stage(name, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_and_documents_of_one_process_are_heard_in_the_other() {
    let db = Database::postgres().await;
    until_hears(&db.store, true).await;
    let (_other, mut events) = other(&db).await;
    let document = db.add("told").await;
    let heard = heard_until(&mut events, SOON, |event| {
        matches!(event, Event::Document { .. })
    });
    assert_eq!(
        heard.await.last(),
        Some(&Event::Document {
            id: document.id.clone(),
            category: Some(document.category)
        })
    );
    db.enqueue(&document, "extract").await;
    heard_until(&mut events, SOON, |event| *event == stage("extract")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_row_is_told_to_the_process_that_runs_it() {
    let db = Database::postgres().await;
    until_hears(&db.store, true).await;
    let document = db.add("cancelled").await;
    db.enqueue(&document, "extract").await;
    let item = db.claim_one("extract").await;
    let (_other, mut events) = other(&db).await;
    let mut tx = db.write().await;
    assert!(tx.cancel(&item.id, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let told = Event::Queue {
        id: item.id,
        document_id: document.id,
        stage: "extract".into(),
        status: Status::Cancelled,
        progress: None,
    };
    heard_until(&mut events, SOON, |event| *event == told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_completions_and_what_one_says_oneself_are_not_told() {
    let db = Database::postgres().await;
    until_hears(&db.store, true).await;
    let document = db.add("quiet").await;
    let (other, mut events) = other(&db).await;
    db.enqueue(&document, "extract").await;
    heard_until(&mut events, PATIENCE, |event| *event == stage("extract")).await;

    let mut own = db.store.subscribe();
    let item = db.claim_one("extract").await;
    let mut tx = db.write().await;
    assert!(tx.complete(&item, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    pause(&db.store, "end").await;
    let heard = heard_until(&mut events, PATIENCE, |event| *event == stage("end")).await;
    assert_eq!(heard, [stage("end")]);

    // The other answers: what is heard before its answer are the events of this process, each once.
    pause(&other, "answer").await;
    let heard = heard_until(&mut own, PATIENCE, |event| *event == stage("answer")).await;
    let ends = heard.iter().filter(|event| **event == stage("end")).count();
    assert_eq!((ends, heard.len()), (1, 4), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_much_it_is_only_told_that_it_is_much() {
    let db = Database::postgres().await;
    until_hears(&db.store, true).await;
    let (_other, mut events) = other(&db).await;
    let mut tx = db.write().await;
    for number in 0..500 {
        let document = document(&format!("one of many {number}"));
        tx.insert_document(&document, None).await.unwrap();
    }
    tx.commit().await.unwrap();
    let heard = heard_until(&mut events, PATIENCE, |event| *event == Event::Missed).await;
    assert_eq!(heard, [Event::Missed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_line_is_mended_and_says_that_something_may_be_missing() {
    let db = Database::postgres().await;
    let wire = Wire::to(db.url()).await;
    let far = Store::open(wire.url(), &StoreOptions::default())
        .await
        .unwrap();
    until_hears(&far, true).await;
    let mut events = far.subscribe();
    wire.cut();
    until_hears(&far, false).await;
    let document = db.add("unheard").await;
    db.enqueue(&document, "extract").await;
    wire.mend();
    let heard = heard_until(&mut events, PATIENCE, |event| *event == Event::Missed).await;
    assert_eq!(heard, [Event::Missed]);
    assert!(far.hears_others());
    pause(&db.store, "after").await;
    heard_until(&mut events, SOON, |event| *event == stage("after")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_while_the_line_was_broken_is_told_later() {
    let db = Database::postgres().await;
    until_hears(&db.store, true).await;
    let (_other, mut events) = other(&db).await;
    // Only the line of this one is ended, not its pool.
    db.end_listeners().await;
    let document = db.add("late").await;
    let told = |event: &Event| match event {
        Event::Document { id, .. } => *id == document.id,
        Event::Missed => true,
        _ => false,
    };
    heard_until(&mut events, PATIENCE, told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_at_once_has_told_before() {
    let db = Database::postgres().await;
    let document = db.add("from the command line").await;
    let (_other, mut events) = other(&db).await;
    let short = db.open_again().await;
    let mut tx = short.write().await.unwrap();
    let work = Enqueue {
        id: QueueItemId::new(&SystemClock, &SystemRandom),
        document_id: document.id,
        stage: "extract".into(),
        priority: model::Priority::Person,
        run_at: NOW,
        max_attempts: 3,
        stage_version: 1,
    };
    assert!(tx.enqueue(&work, NOW).await.unwrap());
    tx.commit().await.unwrap();
    short.close().await;
    heard_until(&mut events, SOON, |event| *event == stage("extract")).await;
}

#[tokio::test]
async fn processes_on_one_sqlite_file_do_not_hear_each_other() {
    let db = Database::sqlite().await;
    assert!(!db.store.hears_others());
}
