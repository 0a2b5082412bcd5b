//! Chores of the workspace: `cargo xtask tidy`, `cargo xtask with-postgres -- CMD…` `cargo xtask bench-queue` and `cargo xtask
//! bench-media`.

#![allow(
    clippy::disallowed_methods,
    reason = "a build tool, never shipped: it runs cargo, initdb and the tests, and reads PATH"
)]

mod bench_media;
mod bench_queue;
mod postgres;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask tidy                      hold the arrows between the crates
       cargo xtask with-postgres -- CMD…     run CMD with SEOGO_TEST_POSTGRES_URL set to a fresh server
       cargo xtask bench-queue [OPTIONS]     measure the queue beside its peers
           --rounds N        rounds of which the median is taken (3)
           --quick           one short round, history to 100,000 rows
           --only MEASURE    enqueue-one, enqueue-batch, drain, history, pairs, pickup or idle
           --systems A,B,…   of seogo, graphile, pg-boss, procrastinate, bare
       cargo xtask bench-media [OPTIONS]     measure thumbnails beside ffprobe and ffmpeg, ranges beside nginx
           --rounds N        rounds of which the median is taken (3)
           --quick           one short round
           --only MEASURE    thumbnails or ranges
           --seogo BINARY    the binary to be measured, instead of building one";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run(&arguments).await.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(arguments: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["with-postgres", "--", program, rest @ ..] => postgres::run_with(program, rest).await,
        ["bench-media", options @ ..] => bench_media::run(options),
        ["bench-queue", options @ ..] => bench_queue::run(options).await,
        _ => bail!("{USAGE}"),
    }
}
