//! A database that goes away under a load: the same runner goes on by itself, and every run counts once.

use std::sync::Arc;
use std::time::Duration;

use model::{DocumentPatch, SystemClock, Write};
use store::{Store, StoreOptions, Trouble};
use testkit::pgserver::{FAITHFUL, Server, Stop};
use testkit::{sqlite_store, wired_postgres_store};

use crate::bed::{Working, document};
use crate::faults::{
    assert_once, brisk, done, load, marking, marking_with, until, until_done, until_settled,
};

const DOCUMENTS: usize = 200;
const WORK: Duration = Duration::from_millis(20);
/// What a look at a database in trouble may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Gives up soon, so that the outage is felt.
fn impatient() -> StoreOptions {
    StoreOptions {
        acquire_timeout: PATIENCE,
        ..StoreOptions::default()
    }
}

fn start(store: &Store) -> Working {
    let clock = Arc::new(SystemClock);
    Working::start(store.clone(), &marking(WORK), clock, brisk("w"))
}

/// Until a part of the load is done, and not all of it.
async fn until_part(store: &Store, part: usize) {
    until_done(store, part * DOCUMENTS / 3).await;
    assert!(done(store).await < 2 * DOCUMENTS, "in the middle of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_restarted_mid_load() {
    let server = Server::start(FAITHFUL).unwrap();
    let store = Store::open(&server.url(), &impatient()).await.unwrap();
    let documents = load(&store, DOCUMENTS).await;
    let working = start(&store);
    for (part, how) in [(1, Stop::Immediate), (2, Stop::Fast), (4, Stop::Immediate)] {
        until_part(&store, part).await;
        server.stop(how).unwrap();
        assert!(store.write().await.is_err());
        server.start_again().unwrap();
    }
    until_settled(&store).await;
    working.end().await;
    assert_once(&store, &documents).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_to_postgres_is_cut_and_swallows_everything_mid_load() {
    let (database, wire) = wired_postgres_store().await;
    let store = Store::open(wire.url(), &impatient()).await.unwrap();
    let documents = load(&database, DOCUMENTS).await;
    let working = start(&store);
    for part in 1..=5 {
        until_part(&store, part).await;
        if part % 2 == 0 {
            wire.die();
        } else {
            wire.cut();
        }
        assert!(store.probe(PATIENCE).await.is_err(), "the outage is felt");
        wire.mend();
    }
    until_settled(&store).await;
    working.end().await;
    assert_once(&store, &documents).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full_mid_load() {
    let roomy = sqlite_store().await;
    let ballast = document("ballast");
    let mut tx = roomy.write().await.unwrap();
    let text = "ballast ".repeat(1 << 19);
    tx.insert_document(&ballast, Some(&text)).await.unwrap();
    tx.commit().await.unwrap();
    let documents = load(&roomy, DOCUMENTS).await;
    // SQLite takes that for as many pages as there are now.
    let full = StoreOptions {
        max_pages: Some(1),
        ..StoreOptions::default()
    };
    let store = Store::open(roomy.url(), &full).await.unwrap();
    let graph = marking_with(WORK, &"text ".repeat(2_000));
    let working = Working::start(store.clone(), &graph, Arc::new(SystemClock), brisk("w"));
    until("the disk is full", async || {
        trouble(&store).await == Some(Trouble::DiskFull)
    })
    .await;
    assert!(done(&roomy).await < 2 * DOCUMENTS, "in the middle of it");

    let less = Write::Patch(Box::new(DocumentPatch {
        extracted_text: Some(String::new()),
        ..DocumentPatch::default()
    }));
    let mut tx = roomy.write().await.unwrap();
    tx.apply_writes(&ballast.id, &[less], ballast.created_at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    until_settled(&roomy).await;
    working.end().await;
    assert_once(&roomy, &documents).await;
    assert_eq!(trouble(&store).await, None);
}

async fn trouble(store: &Store) -> Option<Trouble> {
    let error = store.probe(PATIENCE).await.err()?;
    error.trouble()
}
