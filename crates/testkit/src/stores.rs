//! Empty archives on either database.

use std::ops::Deref;

use store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::{TestPostgres, Wire};

/// A migrated, empty store that goes with the value.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    url: String,
    // Held for its end: it takes the database away.
    _home: Home,
}

#[derive(Debug)]
enum Home {
    Folder(#[allow(dead_code, reason = "held for its end")] TempDir),
    Postgres(#[allow(dead_code, reason = "held for its end")] TestPostgres),
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// The database's address, for a second store or process on the same archive.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A store on SQLite in a folder of its own.
///
/// # Panics
/// When it cannot be made.
pub async fn sqlite_store() -> TestStore {
    sqlite_store_with(&StoreOptions::default()).await
}

/// A store on SQLite in a folder of its own, opened with these options.
///
/// # Panics
/// When it cannot be made.
pub async fn sqlite_store_with(options: &StoreOptions) -> TestStore {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let url = format!("sqlite:{}", folder.path().join("seogo.db").display());
    open(url, Home::Folder(folder), options).await
}

/// A store on a PostgreSQL database of its own.
///
/// # Panics
/// As [`TestPostgres::create`], and when the store cannot be opened.
pub async fn postgres_store() -> TestStore {
    let database = TestPostgres::create();
    let options = StoreOptions::default();
    open(database.url(), Home::Postgres(database), &options).await
}

/// A store on a PostgreSQL database of its own, at the end of a wire that can be cut.
///
/// # Panics
/// As [`postgres_store`].
pub async fn wired_postgres_store() -> (TestStore, Wire) {
    let database = TestPostgres::create();
    let wire = Wire::to(&database.url()).await;
    let options = StoreOptions::default();
    let url = wire.url().to_owned();
    (open(url, Home::Postgres(database), &options).await, wire)
}

async fn open(url: String, home: Home, options: &StoreOptions) -> TestStore {
    let store = Store::open(&url, options)
        .await
        .expect("an empty database can be opened and migrated");
    TestStore {
        store,
        url,
        _home: home,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_are_empty_and_work() {
        for store in [sqlite_store().await, postgres_store().await] {
            let mut tx = store.read().await.unwrap();
            assert_eq!(tx.user_count().await.unwrap(), 0, "{}", store.url());
        }
    }
}
