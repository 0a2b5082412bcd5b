//! A running `seogo serve`, watched through its database.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
    /// A folder that is a disk of its own, of so many MiB.
    disk: Option<(PathBuf, u32)>,
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
        Self::begin(folder, database, None)
    }

    /// Starts a server on `folder` whose SQLite file has a disk of so many MiB for itself.
    pub fn start_on_small_disk(folder: &Path, mib: u32) -> Self {
        let disk = folder.join("disk");
        std::fs::create_dir(&disk).unwrap();
        let database = format!("sqlite:{}", disk.join("seogo.db").display());
        Self::begin(folder, &database, Some((disk, mib)))
    }

    fn begin(folder: &Path, database: &str, disk: Option<(PathBuf, u32)>) -> Self {
        let mut server = Self {
            folder: folder.to_owned(),
            address: String::new(),
            database: database.to_owned(),
            disk,
            child: None,
        };
        server.restart();
        server
    }

    /// Starts it again on the same folder.
    pub fn restart(&mut self) {
        let mut child = self
            .command()
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

    fn command(&self) -> Command {
        match &self.disk {
            Some((disk, mib)) => on_small_disk(&self.folder, disk, *mib),
            None => seogo(&self.folder),
        }
    }

    /// The small disk as seen from outside: it is mounted for the server alone.
    pub fn disk(&self) -> PathBuf {
        let (disk, _) = self.disk.as_ref().unwrap();
        let pid = self.child.as_ref().unwrap().id();
        Path::new(&format!("/proc/{pid}/root")).join(disk.strip_prefix("/").unwrap())
    }

    /// What `seogo status` says where the small disk is seen.
    pub fn status(&self) -> serde_json::Value {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let output = testkit::program("nsenter", &self.folder)
            .args([
                "--target",
                &pid,
                "--user",
                "--mount",
                "--preserve-credentials",
            ])
            .arg(format!("--wd={}", self.folder.display()))
            .arg(seogo(&self.folder).get_program())
            .args(["status", "--json"])
            .env("SEOGO_DATABASE_URL", &self.database)
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
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

/// The binary with a disk of its own in the memory, gone with the process. Needs the right to mount in a namespace of one's own.
fn on_small_disk(folder: &Path, disk: &Path, mib: u32) -> Command {
    let script = format!("mount -t tmpfs -o size={mib}m seogo-test \"$0\" && exec \"$@\"");
    let mut command = testkit::program("unshare", folder);
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    command.arg(disk).arg(seogo(folder).get_program());
    command
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
