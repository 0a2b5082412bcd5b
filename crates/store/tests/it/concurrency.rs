//! Many writers at once: nothing is taken twice, nothing is lost.

use std::collections::HashSet;

use model::{SystemClock, SystemRandom, new_uuid};
use store::{Claim, Store, StoreError};
use tokio::task::JoinSet;

use crate::conformance;
use crate::database::{Database, NOW};

conformance!(
    no_row_is_claimed_twice,
    no_change_number_is_lost_or_doubled,
    edits_at_once_keep_every_field_name,
);

const WRITERS: usize = 8;
const EACH: usize = 25;

async fn claim_some(store: &Store) -> Result<Vec<String>, StoreError> {
    let lease_id = new_uuid(&SystemClock, &SystemRandom);
    let claim = Claim {
        stage: "extract",
        worker: "w",
        lease_id: &lease_id,
        lease_until: NOW.plus_ms(1),
        limit: 3,
        pick: store::Pick::Any,
    };
    let mut tx = store.write().await?;
    let items = tx.claim(&claim, NOW).await?;
    tx.commit().await?;
    Ok(items.into_iter().map(|item| item.id.0).collect())
}

async fn no_row_is_claimed_twice(db: Database) {
    for n in 0..60 {
        let document = db.add(&format!("d{n}")).await;
        db.enqueue(&document, "extract").await;
    }
    let mut claimers = JoinSet::new();
    for n in 0..WRITERS {
        // Half of them as another process would, with connections of their own.
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            db.open_again().await
        };
        claimers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                match claim_some(&store).await {
                    Ok(ids) if ids.is_empty() => return mine,
                    Ok(ids) => mine.extend(ids),
                    Err(error) if error.is_conflict() => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let all: Vec<String> = claimers.join_all().await.concat();
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (60, 60));
}

async fn no_change_number_is_lost_or_doubled(db: Database) {
    let document = db.add("counted").await;
    let before = db.read().await.latest_change().await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, id) = (db.store.clone(), document.id.clone());
        writers.spawn(async move {
            for _ in 0..EACH {
                let mut tx = store.write().await.unwrap();
                tx.set_missing(&id, None, NOW).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let after = db.read().await.latest_change().await.unwrap();
    assert_eq!(after - before, i64::try_from(WRITERS * EACH).unwrap());
}

async fn edits_at_once_keep_every_field_name(db: Database) {
    use model::DocumentPatch;
    use store::DocumentEdit;

    let document = db.add("edited").await;
    let edits = [
        DocumentPatch {
            title: Some("t".into()),
            ..DocumentPatch::default()
        },
        DocumentPatch {
            language: Some("ko".into()),
            ..DocumentPatch::default()
        },
        DocumentPatch {
            document_type: Some("note".into()),
            ..DocumentPatch::default()
        },
        DocumentPatch {
            document_date: Some("2026-01-02".into()),
            ..DocumentPatch::default()
        },
    ];
    let mut writers = JoinSet::new();
    for patch in edits {
        let (store, id) = (db.store.clone(), document.id.clone());
        writers.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let edit = DocumentEdit { patch, tags: None };
            tx.edit_document(&id, &edit, NOW).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    let after = db.read().await.document(&document.id).await.unwrap();
    let fields = ["document_date", "document_type", "language", "title"];
    assert_eq!(after.unwrap().user_fields, fields);
}
