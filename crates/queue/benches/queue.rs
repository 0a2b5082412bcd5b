//! How fast the queue is, on a database of the caller's choice: `cargo bench -p seogo-queue --bench queue -- --url URL
//! --measure M`. Prints one line of JSON for each figure; `cargo xtask bench-queue` sets them beside those of other queues.
//!
//! Measures: `enqueue-one`, `enqueue-batch`, `drain`, `pairs`, `pickup`, `notify` (pickup of what another connection
//! enqueues), `idle`, `store` (no runner). The stages do nothing and read no document, as the other queues' handlers; `--documents` has them read it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot go on stops; it reads the clock and its arguments"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::{
    Document, DocumentId, Lane, Priority, QueueItemId, Source, StageSpec, SystemClock,
    SystemRandom, Timestamp, new_uuid,
};
use queue::{Graph, Job, LaneLimits, Outcome, Runner, RunnerConfig, Stage, StageError};
use store::{Claim, Enqueue, Pick, Store, StoreOptions};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Documents that one transaction adds.
const BATCH: usize = 1000;
const ALL: [&str; 8] = [
    "enqueue-one",
    "enqueue-batch",
    "drain",
    "pairs",
    "pickup",
    "notify",
    "idle",
    "store",
];

const fn spec(name: &'static str, after: &'static [&'static str]) -> StageSpec {
    StageSpec {
        name,
        after,
        at_ingest: after.is_empty(),
        version: 1,
        lane: Lane::Cpu,
        concurrency: 1,
        lease_ms: 15_000,
        max_attempts: 10,
    }
}

static FIRST: StageSpec = spec("first", &[]);
static SECOND: StageSpec = spec("second", &["first"]);

/// Does nothing but say that it has begun.
struct Nothing {
    spec: &'static StageSpec,
    reads: bool,
    begun: Option<mpsc::UnboundedSender<Instant>>,
}

#[async_trait]
impl Stage for Nothing {
    fn spec(&self) -> &'static StageSpec {
        self.spec
    }

    fn wants(&self, _document: &Document) -> bool {
        true
    }

    fn reads_document(&self) -> bool {
        self.reads
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, StageError> {
        if let Some(begun) = &self.begun {
            let _ = begun.send(Instant::now());
        }
        Ok(Outcome::default())
    }
}

/// Counts what has been committed.
struct Counter {
    commits: AtomicUsize,
    left: AtomicUsize,
    done: Notify,
}

impl queue::Observer for Counter {
    fn at(&self, moment: queue::Moment, rows: &[&QueueItemId]) {
        if moment == queue::Moment::Committed {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        if moment == queue::Moment::Committed
            && self.left.fetch_sub(rows.len(), Ordering::Relaxed) == rows.len()
        {
            self.done.notify_one();
        }
    }
}

struct Bench {
    url: String,
    database: &'static str,
    workers: usize,
    items: usize,
    history: usize,
    analyzed: bool,
    documents: bool,
    /// Unique across the fillings of one database.
    filled: usize,
}

#[tokio::main]
async fn main() {
    let options = options();
    let text = |name: &str, default: &str| options.get(name).cloned().unwrap_or(default.to_owned());
    let number = |name: &str, default: usize| {
        options
            .get(name)
            .map_or(default, |n| n.parse().expect("a number"))
    };
    let url = text("url", "");
    assert!(!url.is_empty(), "--url sqlite:PATH or postgres://…");
    let mut bench = Bench {
        database: if url.starts_with("postgres") {
            "postgres"
        } else {
            "sqlite"
        },
        url,
        workers: number("workers", 4),
        items: number("items", 50_000),
        history: number("history", 0),
        analyzed: options.contains_key("analyzed"),
        documents: options.contains_key("documents"),
        filled: 0,
    };
    match text("measure", "drain").as_str() {
        "enqueue-one" => bench.enqueue_one().await,
        "enqueue-batch" => bench.enqueue_batch().await,
        "drain" => bench.drain().await,
        "pairs" => bench.pairs().await,
        "pickup" => bench.pickup(false).await,
        "notify" => bench.pickup(true).await,
        "idle" => bench.idle().await,
        "store" => bench.store().await,
        other => panic!("no measure {other}; the measures are {}", ALL.join(", ")),
    }
}

/// `--name value` and `--flag`.
fn options() -> HashMap<String, String> {
    let mut options = HashMap::new();
    let mut last: Option<String> = None;
    for argument in std::env::args().skip(1) {
        if let Some(name) = argument.strip_prefix("--") {
            options.insert(name.to_owned(), String::new());
            last = Some(name.to_owned());
        } else if let Some(name) = last.take() {
            options.insert(name, argument);
        }
    }
    options
}

impl Bench {
    async fn open(&self) -> Store {
        let options = StoreOptions::default();
        Store::open(&self.url, &options)
            .await
            .expect("the database")
    }

    /// Adds documents without any work to do.
    async fn documents(&mut self, store: &Store, count: usize) -> Vec<DocumentId> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let mut tx = store.write().await.unwrap();
            for _ in 0..BATCH.min(count - ids.len()) {
                self.filled += 1;
                let document = document(self.filled);
                tx.insert_document(&document, None).await.unwrap();
                ids.push(document.id);
            }
            tx.commit().await.unwrap();
        }
        ids
    }

    /// Documents with a row each, all due.
    async fn fill(&mut self, store: &Store, count: usize) {
        let ids = self.documents(store, count).await;
        enqueue(store, &ids).await;
    }

    /// Rows that were done long ago, made by claiming and completing as a worker does.
    async fn age(&mut self, store: &Store) {
        let mut left = self.history;
        while left > 0 {
            let count = left.min(100_000);
            self.fill(store, count).await;
            finish(store, count).await;
            left -= count;
        }
    }

    async fn prepare(&mut self) -> Store {
        let store = self.open().await;
        self.age(&store).await;
        if self.analyzed {
            store.analyze().await.unwrap();
        }
        let items = self.items;
        self.fill(&store, items).await;
        if self.analyzed {
            store.analyze().await.unwrap();
        }
        store
    }

    async fn enqueue_one(&mut self) {
        let store = self.open().await;
        let ids = self.documents(&store, self.items).await;
        let begun = Instant::now();
        for id in &ids {
            enqueue(&store, std::slice::from_ref(id)).await;
        }
        self.report(
            "enqueue-one",
            self.items as f64 / seconds(begun),
            "items/s",
            None,
        );
    }

    async fn enqueue_batch(&mut self) {
        let store = self.open().await;
        let ids = self.documents(&store, self.items).await;
        let begun = Instant::now();
        for batch in ids.chunks(100) {
            enqueue(&store, batch).await;
        }
        self.report(
            "enqueue-batch",
            self.items as f64 / seconds(begun),
            "items/s",
            None,
        );
    }

    async fn drain(&mut self) {
        let store = self.prepare().await;
        let (rate, cpu) = self.work(&store, &[&FIRST], self.items).await;
        self.report(
            "drain",
            rate,
            "items/s",
            Some(cpu * 10_000.0 / self.items as f64),
        );
    }

    /// The store alone, without a runner: claims and completions of a thousand rows at a time.
    async fn store(&mut self) {
        let store = self.prepare().await;
        store.checkpoint().await.unwrap();
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        finish(&store, self.items).await;
        let cpu = (cpu_seconds() - cpu) * 10_000.0 / self.items as f64;
        let rate = self.items as f64 / seconds(begun);
        self.report("store", rate, "items/s", Some(cpu));
    }

    async fn pairs(&mut self) {
        let store = self.prepare().await;
        let (rate, cpu) = self.work(&store, &[&FIRST, &SECOND], 2 * self.items).await;
        self.report(
            "pairs",
            rate / 2.0,
            "pairs/s",
            Some(cpu * 10_000.0 / self.items as f64),
        );
    }

    /// Runs until so many rows have been committed. Returns rows per second and the processor's seconds.
    async fn work(&self, store: &Store, specs: &[&'static StageSpec], rows: usize) -> (f64, f64) {
        let counter = Arc::new(Counter {
            commits: AtomicUsize::new(0),
            left: AtomicUsize::new(rows),
            done: Notify::new(),
        });
        let stages = specs.iter().map(|spec| self.stage(spec, None)).collect();
        // What filling the queue left to do is not part of the measure.
        store.checkpoint().await.unwrap();
        eprintln!("begin");
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let running = self.start(store, stages, Arc::clone(&counter) as _);
        counter.done.notified().await;
        let (took, cpu) = (seconds(begun), cpu_seconds() - cpu);
        eprintln!("{} commits", counter.commits.load(Ordering::Relaxed));
        running.end().await;
        (rows as f64 / took, cpu)
    }

    fn stage(
        &self,
        spec: &'static StageSpec,
        begun: Option<mpsc::UnboundedSender<Instant>>,
    ) -> Arc<dyn Stage> {
        Arc::new(Nothing {
            spec,
            reads: self.documents,
            begun,
        })
    }

    fn start(
        &self,
        store: &Store,
        stages: Vec<Arc<dyn Stage>>,
        observer: Arc<dyn queue::Observer>,
    ) -> Running {
        let workers = self.workers;
        let concurrency = stages.iter().map(|s| (s.spec().name.to_owned(), workers));
        let config = RunnerConfig {
            concurrency: concurrency.collect(),
            lanes: LaneLimits {
                cpu: 2 * workers,
                ..LaneLimits::default()
            },
            observer,
            ..RunnerConfig::new(new_uuid(&SystemClock, &SystemRandom))
        };
        let graph = Graph::new(stages).unwrap();
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let runner = Arc::new(Runner::new(store.clone(), graph, clock, random, config));
        let stop = CancellationToken::new();
        Running {
            task: tokio::spawn(runner.run(stop.clone())),
            stop,
        }
    }

    /// From the commit of an enqueue on an idle queue to the beginning of the work.
    async fn pickup(&mut self, from_elsewhere: bool) {
        const SAMPLES: usize = 200;
        let store = self.open().await;
        let other = if from_elsewhere {
            self.open().await
        } else {
            store.clone()
        };
        let ids = self.documents(&store, SAMPLES).await;
        let (begun, mut starts) = mpsc::unbounded_channel();
        let stages = vec![self.stage(&FIRST, Some(begun))];
        let running = self.start(&store, stages, Arc::new(queue::Nobody));
        let mut waits = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            tokio::time::sleep(Duration::from_millis(20 + (index as u64 * 7) % 41)).await;
            enqueue(&other, std::slice::from_ref(id)).await;
            let enqueued = Instant::now();
            let start = starts.recv().await.unwrap();
            waits.push(start.saturating_duration_since(enqueued).as_secs_f64() * 1000.0);
        }
        running.end().await;
        waits.sort_by(f64::total_cmp);
        let name = if from_elsewhere { "notify" } else { "pickup" };
        for (percent, label) in [(50, "p50"), (99, "p99")] {
            let value = waits[(waits.len() * percent).div_ceil(100) - 1];
            self.report(&format!("{name}-{label}"), value, "ms", None);
        }
    }

    async fn idle(&mut self) {
        const LOOK: Duration = Duration::from_secs(20);
        let store = self.open().await;
        let stages = vec![self.stage(&FIRST, None), self.stage(&SECOND, None)];
        let running = self.start(&store, stages, Arc::new(queue::Nobody));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let cpu = cpu_seconds();
        tokio::time::sleep(LOOK).await;
        let share = (cpu_seconds() - cpu) / LOOK.as_secs_f64() * 100.0;
        running.end().await;
        self.report("idle", share, "% of a core", None);
    }

    fn report(&self, measure: &str, value: f64, unit: &str, cpu: Option<f64>) {
        let history = self.history;
        let cpu = cpu.map_or(String::new(), |cpu| format!(",\"cpu_s_per_10k\":{cpu:.4}"));
        println!(
            "{{\"system\":\"seogo\",\"database\":\"{}\",\"measure\":\"{measure}\",\"workers\":{},\"value\":{value:.3},\
             \"unit\":\"{unit}\",\"history\":{history},\"analyzed\":{},\"settings\":\"one runner, concurrency = workers{}\"{cpu}}}",
            self.database,
            self.workers,
            self.analyzed,
            if self.documents {
                ", documents read"
            } else {
                ""
            },
        );
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn enqueue(store: &Store, ids: &[DocumentId]) {
    let now = Timestamp(model::Clock::now(&SystemClock).0);
    for batch in ids.chunks(BATCH) {
        let works: Vec<_> = batch
            .iter()
            .map(|id| Enqueue {
                id: QueueItemId::new(&SystemClock, &SystemRandom),
                document_id: id.clone(),
                stage: "first".to_owned(),
                priority: Priority::Bulk,
                run_at: now,
                max_attempts: 10,
                stage_version: 1,
            })
            .collect();
        let mut tx = store.write().await.unwrap();
        tx.enqueue_all(&works, now).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Claims and completes everything that is due.
async fn finish(store: &Store, mut left: usize) {
    while left > 0 {
        let now = model::Clock::now(&SystemClock);
        let lease_id = new_uuid(&SystemClock, &SystemRandom);
        let claim = Claim {
            stage: "first",
            worker: "history",
            lease_id: &lease_id,
            lease_until: now.plus_ms(60_000),
            limit: BATCH as i64,
            pick: Pick::Any,
        };
        let mut tx = store.write().await.unwrap();
        let items = tx.claim_boldly(&claim, now).await.unwrap();
        let items: Vec<_> = items.iter().collect();
        assert!(tx.complete_all(&items, 1, now).await.unwrap());
        tx.commit().await.unwrap();
        left -= items.len();
    }
}

fn document(number: usize) -> Document {
    Document {
        file_type: "pdf".into(),
        mime: "application/pdf".into(),
        path: Some(format!("Inbox/{number}.pdf")),
        content_hash: format!("{number:064}"),
        ..Document::blank(
            DocumentId(new_uuid(&SystemClock, &SystemRandom)),
            format!("Document {number}"),
            Source::Watch,
            Timestamp(1_700_000_000_000),
        )
    }
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// Processor time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let usage = usage();
    usage.0 + usage.1
}

/// User and system seconds, from the kernel's own account in clock ticks of 10 ms.
fn usage() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap() / 100.0;
    (ticks(11), ticks(12))
}
