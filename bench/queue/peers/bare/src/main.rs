//! The limit: nothing but a claim and a completion of 100 rows in SQL, on PostgreSQL and on SQLite, fully durable.
//!
//! No leases, no attempts, no priorities, no history of runs. Whatever a queue does beyond this costs something.

mod postgres;
mod sqlite;

use anyhow::Result;
use common::Options;

/// Rows of one transaction.
const ROWS: i64 = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    match options.url.strip_prefix("sqlite:") {
        Some(path) => sqlite::run(path, &options),
        None => postgres::run(&options).await,
    }
}

/// The unit of a measure's rate.
fn unit(measure: &str) -> &'static str {
    if measure == "pairs" {
        "pairs/s"
    } else {
        "items/s"
    }
}
