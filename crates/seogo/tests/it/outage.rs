//! A database that goes away under the running server: it stays up, says why it is not ready, and loses nothing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use model::Status;
use serde_json::Value;
use store::{Store, StoreOptions};
use testkit::pgserver::{self, Stop};
use testkit::{TestPostgres, Wire};

use crate::server::{Server, rows, until, until_done};
use crate::{run, seogo, stderr};

const FILES: usize = 60;
/// What `/ready` may take, with something to spare for a busy machine.
const SOON: Duration = Duration::from_secs(4);

/// Status and body of `GET path`.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

/// What `/ready` says; it always says something soon.
fn ready(server: &Server) -> (u16, Value) {
    let begin = Instant::now();
    let (status, body) = get(&server.address, "/ready");
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    (status, serde_json::from_str(&body).unwrap())
}

async fn until_ready(server: &Server) {
    until("the server to be ready", || async {
        (ready(server).0 == 200).then_some(())
    })
    .await;
}

/// Waits until the server says that it is not ready, for this cause.
async fn until_not_ready(server: &Server, code: &str, causes: &[&str]) {
    let body = until("the server not to be ready", || async {
        let (status, body) = ready(server);
        (status == 503).then_some(body)
    })
    .await;
    assert_eq!(body["error_code"], code, "{body}");
    let why = body["why"].as_str().unwrap();
    assert!(causes.iter().any(|cause| why.contains(cause)), "{body}");
    assert_eq!(get(&server.address, "/health").0, 200);
}

fn drop_files(server: &Server, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let text = format!("회의록 {number}\n예산을 정했다.");
        std::fs::write(server.library(&format!("Inbox/회의 {number}.txt")), text).unwrap();
    }
}

/// Waits until so many documents are there, and each stage was done once for each of them.
async fn until_status(server: &Server, documents: usize) {
    until(&format!("{documents} documents to be done"), || async {
        let status = server.status();
        let done = ["extract", "classify", "chunk"]
            .iter()
            .all(|stage| status["stages"][stage]["completed"] == documents);
        (status["documents"]["document"] == documents && done).then_some(())
    })
    .await;
}

async fn until_some_are_done(store: &Store, count: i64) {
    until("some work to be done", || async {
        let mut tx = store.read().await.unwrap();
        let done = tx.completed_since(model::Timestamp(0)).await.unwrap();
        (done >= count).then_some(())
    })
    .await;
}

/// Every file is a document, and every stage of it was done once.
async fn assert_all_done_once(store: &Store, files: usize) {
    let documents = until_done(store, files).await;
    assert_eq!(documents.len(), files);
    let mut once = HashMap::new();
    for row in rows(store).await {
        assert!(
            row.status == Status::Completed || row.stage == "embed",
            "{row:?}"
        );
        *once.entry((row.document_id, row.stage)).or_insert(0) += 1;
    }
    assert!(once.values().all(|count| *count == 1), "{once:?}");
    for document in &documents {
        let chunks = store.read().await.unwrap().chunks(&document.id).await;
        assert!(!chunks.unwrap().is_empty(), "{document:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_restarted_under_load() {
    let postgres = pgserver::Server::start(pgserver::FAITHFUL).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path(), &postgres.url());
    let store = server.store().await;
    let third = FILES / 3;
    drop_files(&server, 0..third);
    for (outage, how) in [(1, Stop::Immediate), (2, Stop::Fast)] {
        // In the midst of it: of each file three stages are done at least.
        let done = i64::try_from(third * (outage - 1) * 3 + 5).unwrap();
        until_some_are_done(&store, done).await;
        postgres.stop(how).unwrap();
        until_not_ready(&server, "database_unavailable", &["cannot be reached"]).await;
        drop_files(&server, third * outage..third * (outage + 1));
        postgres.start_again().unwrap();
        until_ready(&server).await;
    }
    assert_all_done_once(&store, FILES).await;
    assert!(server.is_running(), "the same process all along");
    drop(server);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_to_postgres_is_cut_and_swallows_everything() {
    let database = TestPostgres::create();
    let wire = Wire::to(&database.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path(), wire.url());
    let store = Store::open(&database.url(), &StoreOptions::default())
        .await
        .unwrap();
    let half = FILES / 2;
    drop_files(&server, 0..half);
    until_some_are_done(&store, 5).await;
    wire.cut();
    until_not_ready(&server, "database_unavailable", &["cannot be reached"]).await;
    wire.mend();
    until_ready(&server).await;
    drop_files(&server, half..FILES);
    wire.die();
    until_not_ready(
        &server,
        "database_unavailable",
        &["does not answer in time"],
    )
    .await;
    wire.mend();
    until_ready(&server).await;
    assert_all_done_once(&store, FILES).await;
    assert!(server.is_running(), "the same process all along");
    drop(server);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_locks_the_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let store = server.store().await;
    drop_files(&server, 0..5);
    until_done(&store, 5).await;
    let lock = store.write().await.unwrap();
    drop_files(&server, 5..10);
    until_not_ready(&server, "database_unavailable", &["lock"]).await;
    drop(lock);
    until_ready(&server).await;
    assert_all_done_once(&store, 10).await;
    assert!(server.is_running(), "the same process all along");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_database_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on_small_disk(folder.path(), 8);
    drop_files(&server, 0..5);
    until_status(&server, 5).await;
    let filler = server.disk().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop_files(&server, 5..FILES);
    until_not_ready(&server, "disk_full", &["is full"]).await;
    drop(file);
    std::fs::remove_file(filler).unwrap();
    until_ready(&server).await;
    until_status(&server, FILES).await;
    assert!(server.is_running(), "the same process all along");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_first_waits_for_its_database() {
    let postgres = pgserver::Server::start(pgserver::FAITHFUL).unwrap();
    postgres.stop(Stop::Fast).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut child = seogo(folder.path())
        .arg("serve")
        .env("SEOGO_LISTEN", "127.0.0.1:0")
        .env("SEOGO_DATABASE_URL", postgres.url())
        .env("SEOGO_LOG", "warn")
        .env("SEOGO_LOG_FORMAT", "human")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting for the database") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
    }
    postgres.start_again().unwrap();
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Open http://"), "{line:?}");
}

#[test]
fn a_server_whose_database_never_comes_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let url = format!("postgres://nobody@{address}/nothing");
    std::fs::write(
        folder.path().join("seogo.toml"),
        format!("database_url = \"{url}\"\n"),
    )
    .unwrap();
    let output = run(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--database-wait-s", "1"],
    );
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("was not there within 1 s"), "{said}");
    assert!(said.contains("database_wait_s"), "{said}");
}
