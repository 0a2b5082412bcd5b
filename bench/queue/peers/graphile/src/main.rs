//! graphile_worker, the Rust port, tuned the way its own documentation and its own benchmark (`benches/perf_test.rs`) tune it.
//!
//! Its `pairs` is not atomic: a handler can enqueue, but the handler's own completion is another transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use common::{BATCH, Options, PICKUPS, Stopwatch, Who, gaps, percentiles};
use graphile_worker::worker_utils::WorkerUtils;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, Worker, WorkerContext,
    WorkerContextExt, WorkerOptions,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::mpsc;

/// Jobs fetched at once into the worker's memory; what its own benchmark has.
const LOCAL_QUEUE: usize = 5000;
/// How long completions are gathered; its documentation recommends 1 to 5 ms.
const COMPLETE_DELAY: Duration = Duration::from_millis(5);
/// As its own benchmark does; without it a drained local queue waits out the default of a second.
const POLL: Duration = Duration::from_millis(5);
const SCHEMA: &str = "graphile_worker";
/// How often we look whether the last completion has been written.
const LOOK: Duration = Duration::from_millis(2);

/// A job that does nothing but be counted.
#[derive(Clone, Deserialize, Serialize)]
struct Noop {
    id: usize,
}

/// The first of a pair: enqueues the second.
#[derive(Clone, Deserialize, Serialize)]
struct First {
    id: usize,
}

/// A job that says when it began.
#[derive(Clone, Deserialize, Serialize)]
struct Timed {
    id: usize,
}

#[derive(Clone, Debug)]
struct Done(Arc<AtomicUsize>);

#[derive(Clone, Debug)]
struct Began(mpsc::UnboundedSender<Instant>);

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        if let Some(done) = context.get_ext::<Done>() {
            done.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<(), String>(())
    }
}

impl TaskHandler for First {
    const IDENTIFIER: &'static str = "first";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        context
            .add_job(Noop { id: self.id }, JobSpec::default())
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

impl TaskHandler for Timed {
    const IDENTIFIER: &'static str = "timed";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let now = Instant::now();
        if let Some(began) = context.get_ext::<Began>() {
            began.0.send(now).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let pool = PgPoolOptions::new()
        .max_connections(40)
        .connect(&options.url)
        .await?;
    let utils = WorkerUtils::new(pool.clone(), SCHEMA.to_owned());
    utils.migrate().await?;
    let bench = Bench {
        options,
        pool,
        utils,
    };
    match bench.options.measure.as_str() {
        "enqueue-one" => bench.enqueue_one().await,
        "enqueue-batch" => bench.enqueue_batch().await,
        "drain" => bench.drain().await,
        "pairs" => bench.pairs().await,
        "pickup" => bench.pickup().await,
        other => bail!("no measure {other}"),
    }
}

struct Bench {
    options: Options,
    pool: PgPool,
    utils: WorkerUtils,
}

impl Bench {
    async fn enqueue_one(&self) -> Result<()> {
        self.define().await?;
        let clock = Stopwatch::start();
        for id in 0..self.options.items {
            self.utils.add_job(Noop { id }, JobSpec::default()).await?;
        }
        self.report(&clock, "items/s", "add_job, one producer");
        Ok(())
    }

    async fn enqueue_batch(&self) -> Result<()> {
        self.define().await?;
        let clock = Stopwatch::start();
        self.fill(|id| Noop { id }).await?;
        self.report(
            &clock,
            "items/s",
            &format!("add_jobs of {BATCH}, one producer"),
        );
        Ok(())
    }

    async fn drain(&self) -> Result<()> {
        self.fill(|id| Noop { id }).await?;
        self.work_off(&throughput_settings()).await
    }

    async fn pairs(&self) -> Result<()> {
        self.fill(|id| First { id }).await?;
        self.work_off(&format!(
            "not atomic (add_job in the handler); {}",
            throughput_settings()
        ))
        .await
    }

    /// Enqueues all items in batches.
    async fn fill<T: TaskHandler + Clone>(&self, make: impl Fn(usize) -> T) -> Result<()> {
        let spec = JobSpec::default();
        let ids: Vec<usize> = (0..self.options.items).collect();
        for chunk in ids.chunks(BATCH) {
            let jobs: Vec<_> = chunk.iter().map(|&id| (make(id), &spec)).collect();
            self.utils.add_jobs(&jobs).await?;
        }
        Ok(())
    }

    /// Times a worker from its start until every item is done and its completion written.
    async fn work_off(&self, settings: &str) -> Result<()> {
        self.settle().await?;
        let done = Done(Arc::default());
        let worker = Arc::new(
            self.fast_worker()
                .add_extension(done.clone())
                .init()
                .await?,
        );
        let clock = Stopwatch::start();
        let running = tokio::spawn(run(Arc::clone(&worker)));
        while done.0.load(Ordering::Relaxed) < self.options.items || self.anything_left().await? {
            tokio::time::sleep(LOOK).await;
        }
        self.report(
            &clock,
            if self.options.measure == "pairs" {
                "pairs/s"
            } else {
                "items/s"
            },
            settings,
        );
        worker.request_shutdown();
        running.await?
    }

    async fn pickup(&self) -> Result<()> {
        let (sender, mut began) = mpsc::unbounded_channel();
        let worker = Arc::new(
            self.prompt_worker()
                .add_extension(Began(sender))
                .init()
                .await?,
        );
        let running = tokio::spawn(run(Arc::clone(&worker)));
        let mut samples = Vec::new();
        for (id, gap) in gaps().take(PICKUPS).enumerate() {
            tokio::time::sleep(gap).await;
            self.utils.add_job(Timed { id }, JobSpec::default()).await?;
            let enqueued = Instant::now();
            samples.extend(
                began
                    .recv()
                    .await
                    .map(|began| began.saturating_duration_since(enqueued)),
            );
        }
        for measured in percentiles(samples) {
            self.options.print(
                &who("direct fetch (no local queue), LISTEN/NOTIFY"),
                measured,
            );
        }
        worker.request_shutdown();
        running.await?
    }

    /// Makes the task known, as a worker's start does: otherwise the first enqueuings would pay for it.
    async fn define(&self) -> Result<()> {
        self.utils
            .add_job(Noop { id: 0 }, JobSpec::default())
            .await?;
        self.settle().await
    }

    /// Leaves no checkpoint and no bulk load's aftermath to the timed part.
    async fn settle(&self) -> Result<()> {
        if self.options.analyzed {
            sqlx::query("ANALYZE").execute(&self.pool).await?;
        }
        sqlx::query("CHECKPOINT").execute(&self.pool).await?;
        Ok(())
    }

    async fn anything_left(&self) -> Result<bool> {
        Ok(
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)")
                .fetch_one(&self.pool)
                .await?,
        )
    }

    fn fast_worker(&self) -> WorkerOptions {
        self.prompt_worker()
            .poll_interval(POLL)
            .complete_job_batch_delay(COMPLETE_DELAY)
            .fail_job_batch_delay(COMPLETE_DELAY)
            .local_queue(LocalQueueConfig::default().with_size(LOCAL_QUEUE))
    }

    fn prompt_worker(&self) -> WorkerOptions {
        WorkerOptions::default()
            .pg_pool(self.pool.clone())
            .schema(SCHEMA)
            .concurrency(self.options.workers)
            .define_job::<Noop>()
            .define_job::<First>()
            .define_job::<Timed>()
    }

    fn report(&self, clock: &Stopwatch, unit: &'static str, settings: &str) {
        let result = clock.rate(&self.options.measure, self.options.items, unit);
        self.options.print(&who(settings), result);
    }
}

async fn run(worker: Arc<Worker>) -> Result<()> {
    Ok(worker.run().await?)
}

fn who(settings: &str) -> Who {
    Who {
        system: "graphile_worker",
        database: "postgresql",
        settings: format!("graphile_worker 0.14.1, sqlx; {settings}"),
    }
}

fn throughput_settings() -> String {
    format!(
        "concurrency = workers, local queue {LOCAL_QUEUE}, complete and fail batching {COMPLETE_DELAY:?}, poll {POLL:?}, finished jobs are deleted"
    )
}
