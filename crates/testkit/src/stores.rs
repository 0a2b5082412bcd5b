//! Empty archives on either database.

use std::ops::Deref;

use store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::TestPostgres;

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
    let folder = TempDir::new().expect("a temporary folder can be made");
    let url = format!("sqlite:{}", folder.path().join("seogo.db").display());
    open(url, Home::Folder(folder)).await
}

/// A store on a PostgreSQL database of its own.
///
/// # Panics
/// As [`TestPostgres::create`], and when the store cannot be opened.
pub async fn postgres_store() -> TestStore {
    let database = TestPostgres::create();
    open(database.url(), Home::Postgres(database)).await
}

async fn open(url: String, home: Home) -> TestStore {
    let store = Store::open(&url, &StoreOptions::default())
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
