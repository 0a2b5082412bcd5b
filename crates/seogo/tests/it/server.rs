//! A running `seogo serve`, watched through its database.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use model::Document;
use store::{DocumentFilter, QueueFilter, Store, StoreOptions};

use crate::seogo;

/// No condition takes longer on a slow machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// The server and its folder; killed with everything it started when dropped.
pub struct Server {
    pub folder: PathBuf,
    /// Where it answers, `host:port`.
    pub address: String,
    database: String,
    child: Option<Child>,
}

impl Server {
    /// Starts a server on `folder` and waits until it says where it is.
    pub fn start(folder: &Path) -> Self {
        let file = folder.join("data/seogo.db");
        Self::start_on(folder, &format!("sqlite:{}", file.display()))
    }

    /// Starts a server on `folder` that keeps its records in `database`.
    pub fn start_on(folder: &Path, database: &str) -> Self {
        let mut server = Self {
            folder: folder.to_owned(),
            address: String::new(),
            database: database.to_owned(),
            child: None,
        };
        server.restart();
        server
    }

    /// Starts it again on the same folder.
    pub fn restart(&mut self) {
        let mut child = seogo(&self.folder)
            .arg("serve")
            .env("SEOGO_LISTEN", "127.0.0.1:0")
            .env("SEOGO_ADMIN_PASSWORD", "correct horse")
            .env("SEOGO_DATABASE_URL", &self.database)
            .env("SEOGO_SETTLE_MS", "100")
            .env("SEOGO_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Open http://");
        let address = address.unwrap_or_else(|| panic!("{line:?}"));
        self.address = address.split('/').next().unwrap().to_owned();
        self.child = Some(child);
    }

    /// Whether the process that was started last is still there.
    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A folder of the library.
    pub fn library(&self, name: &str) -> PathBuf {
        self.folder.join("data/library").join(name)
    }

    /// The server's database, seen from outside.
    pub async fn store(&self) -> Store {
        Store::open(&self.database, &StoreOptions::default())
            .await
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until `check` gives something.
pub async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let begin = Instant::now();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        looks.tick().await;
    }
}

/// Waits until so many documents are there and nothing is left to do for them but what waits for a model.
pub async fn until_done(store: &Store, documents: usize) -> Vec<Document> {
    until(
        &format!("{documents} documents to be done"),
        || async move {
            let mut tx = store.read().await.unwrap();
            let filter = DocumentFilter {
                limit: 1000,
                ..DocumentFilter::default()
            };
            let found = tx.documents(&filter).await.unwrap();
            let counts = tx.stage_counts().await.unwrap();
            let open: i64 = counts.values().map(|c| c.pending + c.processing).sum();
            (found.len() >= documents && open == 0).then_some(found)
        },
    )
    .await
}

/// Every queue row.
pub async fn rows(store: &Store) -> Vec<model::QueueItem> {
    let filter = QueueFilter {
        limit: 100_000,
        ..QueueFilter::default()
    };
    let mut tx = store.read().await.unwrap();
    tx.queue_items(&filter).await.unwrap()
}
