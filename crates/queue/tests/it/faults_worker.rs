//! A worker in a process of its own, which can be killed as only a process can: this test binary, started once more.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use model::{Document, QueueItemId, StageSpec, SystemClock, SystemRandom};
use queue::{Graph, Job, Moment, Observer, Outcome, Runner, RunnerConfig, Stage, StageError};
use store::{Store, StoreOptions};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::control::{spec, within};
use crate::faults::{FIRST, SECOND, brisk, marked};

/// Where a worker finds what it is to do.
const ORDERS: &str = "orders";
/// A document of this title kills whoever works on it.
pub const POISON: &str = "poison 0";

/// Never ends the first time; at the second it does. Its claims hold as long as those of the real stages.
pub const STUBBORN: &StageSpec = &StageSpec {
    lease_ms: 10_000,
    ..spec("stubborn", &[])
};

/// A point on the way of a run, as the letter with which a worker tells that it has passed it.
pub mod point {
    pub const CLAIMED: char = 'c';
    pub const WORKING: char = 'w';
    pub const WORKED: char = 'o';
    pub const COMMITTING: char = 'm';
    pub const COMMITTED: char = 'd';
}

/// What a worker is to do.
#[derive(Clone, Debug)]
pub struct Orders {
    pub url: String,
    pub worker: String,
    /// How long each run takes.
    pub work: Duration,
    /// Whether it keeps to the settings of a server instead of brisk ones.
    pub calm: bool,
    /// Only this stage.
    pub stage: Option<&'static StageSpec>,
    /// Kills itself when it passes that point for the n-th time.
    pub die: Option<(char, usize)>,
}

impl Orders {
    pub fn new(url: &str, worker: impl Into<String>) -> Self {
        Self {
            url: url.to_owned(),
            worker: worker.into(),
            work: Duration::from_millis(30),
            calm: false,
            stage: None,
            die: None,
        }
    }

    fn write(&self, folder: &Path) {
        let (point, nth) = self.die.unwrap_or(('-', 0));
        let (work, calm) = (self.work.as_millis(), self.calm);
        let stage = self.stage.map_or("", |stage| stage.name);
        let lines = format!(
            "{}\n{}\n{work}\n{calm}\n{stage}\n{point}\n{nth}\n",
            self.url, self.worker
        );
        std::fs::write(folder.join(ORDERS), lines).unwrap();
    }

    fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join(ORDERS)).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let &[url, worker, work, calm, stage, point, nth] = lines.as_slice() else {
            panic!("no orders: {text}");
        };
        let nth = nth.parse().unwrap();
        Self {
            work: Duration::from_millis(work.parse().unwrap()),
            calm: calm.parse().unwrap(),
            stage: [FIRST, SECOND, STUBBORN]
                .into_iter()
                .find(|s| s.name == stage),
            die: (nth > 0).then(|| (point.parse().unwrap(), nth)),
            ..Self::new(url, worker)
        }
    }

    fn config(&self) -> RunnerConfig {
        let config = if self.calm {
            RunnerConfig::new(&self.worker)
        } else {
            brisk(&self.worker)
        };
        let stages = self.stage.map(|stage| stage.name.to_owned());
        RunnerConfig {
            stages: stages.into_iter().collect(),
            ..config
        }
    }
}

/// Not a test of its own: a worker that works until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by other tests"]
async fn worker_process() {
    let orders = Orders::read(&std::env::current_dir().unwrap());
    let store = Store::open(&orders.url, &StoreOptions::default())
        .await
        .unwrap();
    let watch = Arc::new(Watch {
        die: orders.die,
        passed: AtomicUsize::new(0),
    });
    let stages = [FIRST, SECOND, STUBBORN].map(|spec| -> Arc<dyn Stage> {
        Arc::new(Watched {
            spec,
            work: orders.work,
            watch: Arc::clone(&watch),
        })
    });
    let config = RunnerConfig {
        observer: watch,
        ..orders.config()
    };
    let graph = Graph::new(stages.into()).unwrap();
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let runner = Arc::new(Runner::new(store, graph, clock, random, config));
    runner.run(CancellationToken::new()).await;
}

/// Tells the parent of every point, and dies at one of them.
struct Watch {
    die: Option<(char, usize)>,
    passed: AtomicUsize,
}

impl Watch {
    fn pass(&self, point: char) {
        use std::io::Write;
        // Where nobody listens the parent is gone, and with it the reason to live.
        if write!(std::io::stderr(), "{point}").is_err() {
            die();
        }
        if let Some((last, nth)) = self.die
            && last == point
            && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == nth
        {
            die();
        }
    }
}

impl Observer for Watch {
    fn at(&self, moment: Moment, rows: &[&QueueItemId]) {
        // A commit of claims alone is followed by the moment after the claim.
        if rows.is_empty() {
            return;
        }
        self.pass(match moment {
            Moment::Claimed => point::CLAIMED,
            Moment::Worked => point::WORKED,
            Moment::Committing => point::COMMITTING,
            Moment::Committed => point::COMMITTED,
        });
    }
}

/// Ends this process as `kill -9` does: nothing is written, closed or told any more.
fn die() -> ! {
    let signal = rustix::process::Signal::KILL;
    rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
    loop {
        std::thread::park();
    }
}

struct Watched {
    spec: &'static StageSpec,
    work: Duration,
    watch: Arc<Watch>,
}

#[async_trait]
impl Stage for Watched {
    fn spec(&self) -> &'static StageSpec {
        self.spec
    }

    fn wants(&self, document: &Document) -> bool {
        // Nothing follows the stage that is there for one case alone, and it follows nothing.
        self.spec.name != SECOND.name || document.summary.is_some()
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        tokio::time::sleep(self.work / 2).await;
        self.watch.pass(point::WORKING);
        if job.document.title == POISON {
            die();
        }
        if self.spec.name == STUBBORN.name {
            if job.item.attempts == 1 {
                std::future::pending::<()>().await;
            }
            return Ok(Outcome::default());
        }
        tokio::time::sleep(self.work / 2).await;
        Ok(marked(self.spec, &job.document))
    }
}

/// A worker process.
pub struct Worker {
    child: Child,
    /// The points it has passed.
    points: watch::Receiver<String>,
    _folder: TempDir,
}

impl Worker {
    pub fn start(orders: &Orders) -> Self {
        let folder = TempDir::new().unwrap();
        orders.write(folder.path());
        let itself = testkit::program(std::env::current_exe().unwrap(), folder.path());
        let mut child = tokio::process::Command::from(itself)
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("faults_worker::worker_process")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (sender, points) = watch::channel(String::new());
        tokio::spawn(listen(child.stderr.take().unwrap(), sender));
        Self {
            child,
            points,
            _folder: folder,
        }
    }

    /// Until it has passed so many points.
    pub async fn passes(&mut self, count: usize) {
        self.tells(|points| points.len() >= count).await;
    }

    /// Until it has passed that point.
    pub async fn comes_to(&mut self, point: char) {
        self.tells(|points| points.contains(point)).await;
    }

    async fn tells(&mut self, so: impl Fn(&String) -> bool) {
        let told = self.points.wait_for(|points| so(points));
        let ended = within("the worker gets on", told).await.is_err();
        assert!(!ended, "the worker ended: {}", *self.points.borrow());
    }

    /// Kills it.
    pub async fn kill(mut self) -> String {
        self.child.start_kill().unwrap();
        self.dies().await
    }

    /// Until it is dead, by a kill. Tells the points it had passed.
    pub async fn dies(mut self) -> String {
        let status = within("the worker dies", self.child.wait()).await.unwrap();
        let all = async { while self.points.changed().await.is_ok() {} };
        within("its last words are heard", all).await;
        let points = self.points.borrow().clone();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(9), "{status}: {points}");
        points
    }

    /// Until it is dead.
    pub async fn dead(&mut self) {
        self.child.wait().await.unwrap();
    }
}

async fn listen(mut stderr: impl AsyncRead + Unpin, points: watch::Sender<String>) {
    let mut bytes = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
        points.send_modify(|points| points.push_str(&String::from_utf8_lossy(&bytes[..count])));
    }
}
