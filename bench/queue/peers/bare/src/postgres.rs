//! On PostgreSQL: one connection a worker, prepared statements, SKIP LOCKED; two commits for every 100 rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use common::{BATCH, Options, PICKUPS, Stopwatch, Who, gaps, percentiles};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, Statement};

use crate::{ROWS, unit};

/// `run_at` leads the index, so that the planner never walks the primary key through finished rows.
const SCHEMA: &str = "
    CREATE TABLE items (id bigserial PRIMARY KEY, stage smallint NOT NULL DEFAULT 0, status smallint NOT NULL DEFAULT 0,
        run_at timestamptz NOT NULL DEFAULT now(), payload text NOT NULL);
    CREATE INDEX pending ON items (run_at, id) WHERE status = 0";
const INSERT_ONE: &str = "INSERT INTO items (payload) VALUES ($1)";
const INSERT_MANY: &str = "INSERT INTO items (payload) SELECT unnest($1::text[])";
const CLAIM: &str = "
    UPDATE items SET status = 1
    FROM (SELECT id FROM items WHERE status = 0 ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED) AS next
    WHERE items.id = next.id RETURNING items.id";
const COMPLETE: &str = "UPDATE items SET status = 2 WHERE id = ANY ($1)";
/// Completes, and enqueues the second of each first, in one statement and so in one commit.
const COMPLETE_AND_ENQUEUE: &str = "
    WITH done AS (UPDATE items SET status = 2 WHERE id = ANY ($1) RETURNING stage, payload)
    INSERT INTO items (stage, payload) SELECT 1, payload FROM done WHERE stage = 0";
const HISTORY: &str =
    "INSERT INTO items (status, payload) SELECT 2, n::text FROM generate_series(1, $1::bigint) n";

pub async fn run(options: &Options) -> Result<()> {
    let client = connect(&options.url).await?;
    client.batch_execute(SCHEMA).await?;
    match options.measure.as_str() {
        "enqueue-one" => enqueue_one(&client, options).await,
        "enqueue-batch" => enqueue_batch(&client, options).await,
        "drain" | "pairs" => work_off(&client, options).await,
        "pickup" => pickup(&client, options).await,
        other => bail!("no measure {other}"),
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn enqueue_one(client: &Client, options: &Options) -> Result<()> {
    let insert = client.prepare(INSERT_ONE).await?;
    settle(client, options).await?;
    let clock = Stopwatch::start();
    for id in 0..options.items {
        client.execute(&insert, &[&id.to_string()]).await?;
    }
    report(options, &clock, "INSERT of one row, one producer");
    Ok(())
}

async fn enqueue_batch(client: &Client, options: &Options) -> Result<()> {
    settle(client, options).await?;
    let clock = Stopwatch::start();
    fill(client, options.items).await?;
    report(
        options,
        &clock,
        &format!("INSERT of {BATCH} rows, one producer"),
    );
    Ok(())
}

async fn fill(client: &Client, items: usize) -> Result<()> {
    let insert = client.prepare(INSERT_MANY).await?;
    let payloads: Vec<String> = (0..items).map(|id| id.to_string()).collect();
    for chunk in payloads.chunks(BATCH) {
        client.execute(&insert, &[&chunk]).await?;
    }
    Ok(())
}

/// `drain` and `pairs`: times the loops from their start until every row is completed.
async fn work_off(client: &Client, options: &Options) -> Result<()> {
    if options.history > 0 {
        client
            .execute(HISTORY, &[&i64::try_from(options.history)?])
            .await?;
    }
    fill(client, options.items).await?;
    settle(client, options).await?;
    let pairs = options.measure == "pairs";
    let left = Arc::new(AtomicUsize::new(if pairs {
        2 * options.items
    } else {
        options.items
    }));
    let mut workers = Vec::new();
    for _ in 0..options.workers {
        workers.push(Worker::new(&options.url, pairs).await?);
    }
    let clock = Stopwatch::start();
    let running: Vec<_> = workers
        .into_iter()
        .map(|worker| tokio::spawn(worker.run(Arc::clone(&left))))
        .collect();
    for worker in running {
        worker.await??;
    }
    let atomic = if pairs {
        "atomic: complete and enqueue in one statement; "
    } else {
        ""
    };
    report(
        options,
        &clock,
        &format!("{atomic}a connection per worker, {ROWS} rows per transaction"),
    );
    Ok(())
}

struct Worker {
    client: Client,
    claim: Statement,
    complete: Statement,
}

impl Worker {
    async fn new(url: &str, pairs: bool) -> Result<Self> {
        let client = connect(url).await?;
        let claim = client.prepare(CLAIM).await?;
        let complete = client
            .prepare(if pairs {
                COMPLETE_AND_ENQUEUE
            } else {
                COMPLETE
            })
            .await?;
        Ok(Self {
            client,
            claim,
            complete,
        })
    }

    async fn run(self, left: Arc<AtomicUsize>) -> Result<()> {
        while left.load(Ordering::Relaxed) > 0 {
            let ids = self.claim().await?;
            if ids.is_empty() {
                // The last rows are in another worker's hands, or will be the second of its pairs.
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            self.client.execute(&self.complete, &[&ids]).await?;
            left.fetch_sub(ids.len(), Ordering::Relaxed);
        }
        Ok(())
    }

    async fn claim(&self) -> Result<Vec<i64>> {
        let rows = self.client.query(&self.claim, &[&ROWS]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

async fn pickup(client: &Client, options: &Options) -> Result<()> {
    let mut wake = listen(&options.url).await?;
    let worker = Worker::new(&options.url, false).await?;
    let (began, mut begun) = mpsc::unbounded_channel();
    let working = tokio::spawn(async move {
        while wake.recv().await.is_some() {
            let ids = worker.claim().await?;
            if !ids.is_empty() && began.send(Instant::now()).is_err() {
                break;
            }
            worker.client.execute(&worker.complete, &[&ids]).await?;
        }
        anyhow::Ok(())
    });
    let insert = client.prepare("WITH row AS (INSERT INTO items (payload) VALUES ('') RETURNING 1) SELECT pg_notify('items', '') FROM row").await?;
    let mut samples = Vec::new();
    for gap in gaps().take(PICKUPS) {
        tokio::time::sleep(gap).await;
        client.execute(&insert, &[]).await?;
        let enqueued = Instant::now();
        samples.extend(
            begun
                .recv()
                .await
                .map(|began| began.saturating_duration_since(enqueued)),
        );
    }
    working.abort();
    for measured in percentiles(samples) {
        options.print(&who("LISTEN/NOTIFY, then claim"), measured);
    }
    Ok(())
}

/// A word for every notification.
async fn listen(url: &str) -> Result<mpsc::UnboundedReceiver<()>> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) =
            std::future::poll_fn(|context| connection.poll_message(context)).await
        {
            if matches!(message, AsyncMessage::Notification(_)) && sender.send(()).is_err() {
                break;
            }
        }
    });
    client.batch_execute("LISTEN items").await?;
    // The connection ends with its client: keep it for as long as this process lives.
    std::mem::forget(client);
    Ok(receiver)
}

/// Leaves no checkpoint and no bulk load's aftermath to the timed part.
async fn settle(client: &Client, options: &Options) -> Result<()> {
    client
        .batch_execute(if options.analyzed { "ANALYZE" } else { "" })
        .await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

fn report(options: &Options, clock: &Stopwatch, settings: &str) {
    options.print(
        &who(settings),
        clock.rate(&options.measure, options.items, unit(&options.measure)),
    );
}

fn who(settings: &str) -> Who {
    Who {
        system: "bare SQL",
        database: "postgresql",
        settings: format!("tokio-postgres, prepared statements; {settings}"),
    }
}
