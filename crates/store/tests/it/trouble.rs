//! Each trouble that a database can be in, told by real errors.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use store::{Store, StoreError, StoreOptions, Trouble};
use testkit::Wire;
use testkit::pgserver::{FAITHFUL, Server, Stop};

use crate::database::{Database, NOW, document};

/// What a probe may take.
const PATIENCE: Duration = Duration::from_secs(1);

fn impatient() -> StoreOptions {
    StoreOptions {
        acquire_timeout: Duration::from_millis(500),
        lock_timeout: Duration::from_millis(50),
        ..StoreOptions::default()
    }
}

async fn trouble(store: &Store) -> Option<Trouble> {
    let begin = Instant::now();
    let probe = store.probe(PATIENCE).await;
    assert!(begin.elapsed() < PATIENCE * 3, "{:?}", begin.elapsed());
    probe.err().map(|error| {
        error
            .trouble()
            .unwrap_or_else(|| panic!("{error} is no trouble"))
    })
}

async fn add_many(store: &Store, count: usize) -> Result<(), StoreError> {
    for number in 0..count {
        let mut tx = store.write().await?;
        tx.insert_document(&document(&format!("d{number}")), None)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_under_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("s.db").display());
    let small = StoreOptions {
        max_pages: Some(60),
        ..StoreOptions::default()
    };
    let store = Store::open(&url, &small).await.unwrap();
    assert_eq!(trouble(&store).await, None);
    let error = add_many(&store, 10_000).await.unwrap_err();
    assert!(
        error.is_disk_full() && !error.is_unavailable() && !error.is_busy(),
        "{error}"
    );
    // Reading still works, and the probe is not taken in by that.
    store.read().await.unwrap().latest_change().await.unwrap();
    assert_eq!(trouble(&store).await, Some(Trouble::DiskFull));
    // With room it goes on by itself.
    let roomy = Store::open(&url, &StoreOptions::default()).await.unwrap();
    assert_eq!(trouble(&roomy).await, None);
}

#[tokio::test]
async fn a_sqlite_file_that_somebody_else_has_locked() {
    let db = Database::sqlite().await;
    let other = Store::open(db.url(), &impatient()).await.unwrap();
    let lock = db.write().await;
    let error = other.write().await.unwrap_err();
    assert!(
        error.is_busy() && error.is_conflict() && !error.is_unavailable(),
        "{error}"
    );
    assert_eq!(trouble(&other).await, Some(Trouble::Busy));
    drop(lock);
    assert_eq!(trouble(&other).await, None);
}

#[tokio::test]
async fn a_sqlite_folder_that_is_not_there() {
    let error = Store::open("sqlite:/nowhere/at/all.db", &impatient())
        .await
        .unwrap_err();
    assert_eq!(error.trouble(), Some(Trouble::Storage), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_stopped_and_started_again() {
    let server = Server::start(FAITHFUL).unwrap();
    let store = Store::open(&server.url(), &impatient()).await.unwrap();
    assert_eq!(trouble(&store).await, None);
    for how in [Stop::Fast, Stop::Immediate] {
        server.stop(how).unwrap();
        assert_eq!(trouble(&store).await, Some(Trouble::Unreachable));
        let error = store.write().await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        server.start_again().unwrap();
        assert_eq!(trouble(&store).await, None);
    }
}

#[tokio::test]
async fn a_postgres_that_ends_the_session() {
    let db = Database::postgres().await;
    let mut tx = db.write().await;
    tx.pause_stage("extract", NOW).await.unwrap();
    db.end_sessions().await;
    let error = tx.pause_stage("stt", NOW).await.unwrap_err();
    assert!(
        error.is_unavailable() && !error.is_refusal() && !error.is_conflict(),
        "{error}"
    );
    drop(tx);
    assert_eq!(trouble(&db.store).await, None);
}

#[tokio::test]
async fn a_postgres_without_room_for_one_more() {
    let crowded = format!(
        "{FAITHFUL} -c max_connections=4 -c superuser_reserved_connections=0 -c max_wal_senders=0"
    );
    let server = Server::start(&crowded).unwrap();
    let mut guests = Vec::new();
    for _ in 0..4 {
        guests.push(PgConnection::connect(&server.url()).await.unwrap());
    }
    let error = Store::open(&server.url(), &impatient()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(error.trouble(), Some(Trouble::Crowded), "{error}");
}

#[tokio::test]
async fn a_full_disk_under_postgres() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    let error = sqlx::query("COPY (SELECT repeat('x', 100000)) TO '/dev/full'")
        .execute(&mut connection)
        .await
        .unwrap_err();
    let error = StoreError::from(error);
    assert!(error.is_disk_full() && !error.is_unavailable(), "{error}");
}

#[tokio::test]
async fn a_postgres_that_takes_no_changes_or_does_not_know_us() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(db.url()).await.unwrap();
    sqlx::raw_sql("SET default_transaction_read_only = on")
        .execute(&mut connection)
        .await
        .unwrap();
    let error = sqlx::query("DELETE FROM paused_stages")
        .execute(&mut connection)
        .await
        .unwrap_err();
    assert_eq!(StoreError::from(error).trouble(), Some(Trouble::ReadOnly));
    let nowhere = format!("{}_not", db.url());
    let error = Store::open(&nowhere, &impatient()).await.unwrap_err();
    assert_eq!(error.trouble(), Some(Trouble::Refused), "{error}");
    assert!(!error.is_unavailable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything() {
    let db = Database::postgres().await;
    let wire = Wire::to(db.url()).await;
    let store = Store::open(wire.url(), &StoreOptions::default())
        .await
        .unwrap();
    assert_eq!(trouble(&store).await, None);
    wire.die();
    assert_eq!(trouble(&store).await, Some(Trouble::Silent));
    let hurried = store.with_patience(Duration::from_millis(200));
    let error = hurried.read().await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    wire.mend();
    assert_eq!(trouble(&store).await, None);
}

#[test]
fn every_trouble_says_what_to_do() {
    use Trouble::*;
    for trouble in [
        Unreachable,
        Starting,
        Silent,
        Crowded,
        Busy,
        DiskFull,
        ReadOnly,
        Storage,
        Refused,
    ] {
        let text = trouble.to_string();
        assert!(
            text.matches(". ").count() >= 1 && text.ends_with('.'),
            "{text}"
        );
    }
}
