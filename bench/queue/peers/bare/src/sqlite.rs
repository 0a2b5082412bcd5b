//! On SQLite: one connection that the workers take in turns (there is one writer at a time anyhow, and waiting for a lock in
//! the process is quicker than SQLite's own polling for it), WAL, synchronous=FULL; two commits for every 100 rows.

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use common::{BATCH, Options, PICKUPS, Stopwatch, Who, gaps, percentiles};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{ROWS, unit};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE items (id INTEGER PRIMARY KEY, stage INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0,
        run_at INTEGER NOT NULL DEFAULT 0, payload TEXT NOT NULL);
    CREATE INDEX pending ON items (run_at, id) WHERE status = 0";
const INSERT: &str = "INSERT INTO items (stage, payload) VALUES (?1, ?2)";
const CLAIM: &str = "
    UPDATE items SET status = 1
    WHERE id IN (SELECT id FROM items WHERE status = 0 ORDER BY run_at, id LIMIT ?1) RETURNING id, stage, payload";
const COMPLETE: &str = "UPDATE items SET status = 2 WHERE id = ?1";
const HISTORY: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    INSERT INTO items (status, payload) SELECT 2, n FROM n";

pub fn run(path: &str, options: &Options) -> Result<()> {
    let database = Connection::open(path)?;
    database.execute_batch(SCHEMA)?;
    match options.measure.as_str() {
        "enqueue-one" => enqueue_one(database, options),
        "enqueue-batch" => enqueue_batch(database, options),
        "drain" | "pairs" => work_off(database, options),
        "pickup" => pickup(database, options),
        other => bail!("no measure {other}"),
    }
}

fn enqueue_one(database: Connection, options: &Options) -> Result<()> {
    settle(&database, options)?;
    let clock = Stopwatch::start();
    for id in 0..options.items {
        database
            .prepare_cached(INSERT)?
            .execute((0, id.to_string()))?;
    }
    report(options, &clock, "INSERT of one row, one producer");
    Ok(())
}

fn enqueue_batch(mut database: Connection, options: &Options) -> Result<()> {
    settle(&database, options)?;
    let clock = Stopwatch::start();
    fill(&mut database, options.items)?;
    report(
        options,
        &clock,
        &format!("INSERT of {BATCH} rows, one producer"),
    );
    Ok(())
}

fn fill(database: &mut Connection, items: usize) -> Result<()> {
    let ids: Vec<usize> = (0..items).collect();
    for chunk in ids.chunks(BATCH) {
        write(database, |transaction| {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for id in chunk {
                insert.execute((0, id.to_string()))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// `drain` and `pairs`: times the loops from their start until every row is completed.
fn work_off(mut database: Connection, options: &Options) -> Result<()> {
    if options.history > 0 {
        database.execute(HISTORY, [i64::try_from(options.history)?])?;
    }
    fill(&mut database, options.items)?;
    settle(&database, options)?;
    let pairs = options.measure == "pairs";
    let rows = if pairs {
        2 * options.items
    } else {
        options.items
    };
    let queue = Mutex::new(Queue {
        database,
        left: rows,
        pairs,
    });
    let clock = Stopwatch::start();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.workers)
            .map(|_| scope.spawn(|| work(&queue)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })?;
    let atomic = if pairs {
        "atomic: complete and enqueue in one transaction; "
    } else {
        ""
    };
    report(
        options,
        &clock,
        &format!("{atomic}one connection shared by the workers, {ROWS} rows per transaction"),
    );
    Ok(())
}

struct Queue {
    database: Connection,
    /// Rows yet to be completed, also those yet to be enqueued.
    left: usize,
    pairs: bool,
}

struct Item {
    id: i64,
    stage: i64,
    payload: String,
}

/// One worker: claims and completes until nothing is left.
fn work(queue: &Mutex<Queue>) -> Result<()> {
    loop {
        let items = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.left == 0 {
                return Ok(());
            }
            claim(&mut queue.database)?
        };
        if items.is_empty() {
            // The last rows are in another worker's hands, or will be the second of its pairs.
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = queue.pairs;
        complete(&mut queue.database, &items, pairs)?;
        queue.left -= items.len();
    }
}

fn claim(database: &mut Connection) -> Result<Vec<Item>> {
    write(database, |transaction| {
        let mut claim = transaction.prepare_cached(CLAIM)?;
        let items = claim.query_map([ROWS], |row| {
            Ok(Item {
                id: row.get(0)?,
                stage: row.get(1)?,
                payload: row.get(2)?,
            })
        })?;
        Ok(items.collect::<rusqlite::Result<_>>()?)
    })
}

fn complete(database: &mut Connection, items: &[Item], pairs: bool) -> Result<()> {
    write(database, |transaction| {
        let mut complete = transaction.prepare_cached(COMPLETE)?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        for item in items {
            complete.execute([item.id])?;
            if pairs && item.stage == 0 {
                insert.execute((1, &item.payload))?;
            }
        }
        Ok(())
    })
}

fn write<T>(database: &mut Connection, work: impl FnOnce(&Transaction) -> Result<T>) -> Result<T> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = work(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}

fn pickup(database: Connection, options: &Options) -> Result<()> {
    let database = Mutex::new(database);
    let (wake, woken) = mpsc::channel();
    let (began, begun) = mpsc::channel();
    let samples = thread::scope(|scope| {
        let database = &database;
        let working = scope.spawn(move || {
            for () in woken {
                let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
                let items = claim(&mut database)?;
                began.send(Instant::now())?;
                complete(&mut database, &items, false)?;
            }
            anyhow::Ok(())
        });
        let mut samples = Vec::new();
        for gap in gaps().take(PICKUPS) {
            thread::sleep(gap);
            database
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .prepare_cached(INSERT)?
                .execute((0, ""))?;
            wake.send(())?;
            let enqueued = Instant::now();
            samples.push(begun.recv()?.saturating_duration_since(enqueued));
        }
        drop(wake);
        working
            .join()
            .map_err(|_| anyhow::anyhow!("the worker panicked"))??;
        anyhow::Ok(samples)
    })?;
    for measured in percentiles(samples) {
        options.print(&who("woken in the process, then claim"), measured);
    }
    Ok(())
}

/// Leaves no checkpoint of a bulk load to the timed part.
fn settle(database: &Connection, options: &Options) -> Result<()> {
    let analyze = if options.analyzed { "ANALYZE;" } else { "" };
    Ok(database.execute_batch(&format!("{analyze} PRAGMA wal_checkpoint(TRUNCATE)"))?)
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
        database: "sqlite",
        settings: format!(
            "SQLite {}, WAL, synchronous=FULL, prepared statements; {settings}",
            rusqlite::version()
        ),
    }
}
