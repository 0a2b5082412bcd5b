//! The change log that the search index tails.

use store::Event;

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    a_change_is_listed_once_at_its_latest_number,
    a_rolled_back_change_leaves_no_trace,
    events_come_after_the_commit,
);

async fn a_change_is_listed_once_at_its_latest_number(db: Database) {
    let (a, b) = (db.add("a").await, db.add("b").await);
    let mut tx = db.write().await;
    tx.set_missing(&a.id, Some(NOW), NOW).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.read().await;
    let changes = tx.changes_after(0, 10).await.unwrap();
    let ids: Vec<_> = changes.iter().map(|c| c.document_id.clone()).collect();
    assert_eq!(ids, [b.id, a.id]);
    assert_eq!(tx.latest_change().await.unwrap(), changes[1].seq);
    assert_eq!(tx.changes_after(changes[0].seq, 10).await.unwrap().len(), 1);
    assert_eq!(tx.changes_after(changes[1].seq, 10).await.unwrap(), []);
}

async fn a_rolled_back_change_leaves_no_trace(db: Database) {
    let a = db.add("a").await;
    let before = db.read().await.latest_change().await.unwrap();
    let mut tx = db.write().await;
    tx.set_missing(&a.id, Some(NOW), NOW).await.unwrap();
    drop(tx);
    assert_eq!(db.read().await.latest_change().await.unwrap(), before);
}

async fn events_come_after_the_commit(db: Database) {
    let mut events = db.store.subscribe();
    let document = crate::database::document("told");
    let mut tx = db.write().await;
    tx.insert_document(&document, None).await.unwrap();
    // That others may have told something before there was a line to them says nothing of this document.
    let mut told =
        move || std::iter::from_fn(|| events.try_recv().ok()).find(|event| *event != Event::Missed);
    assert_eq!(told(), None, "nothing is told before it lasts");
    tx.commit().await.unwrap();
    let event = told().unwrap();
    let Event::Document { id, .. } = event else {
        panic!("{event:?} is of no document");
    };
    assert_eq!(id, document.id);
}
