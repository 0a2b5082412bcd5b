//! Fetching a model from a hub on this machine that behaves well, and badly.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha1::{Digest, Sha1};
use speech::models::{ModelInfo, ModelsError, Progress, pull, pull_from};
use speech::tiny_model::TinyModel;

/// How the hub behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Good,
    IgnoresRange,
    BreaksOff,
    Refuses,
}

#[derive(Clone)]
struct Hub {
    file: Bytes,
    manner: Manner,
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

async fn serve(State(hub): State<Hub>, headers: HeaderMap, request: Request) -> Response {
    assert_eq!(request.uri().path(), "/models/ggml-test.bin");
    let range = headers
        .get(header::RANGE)
        .map(|value| value.to_str().unwrap().to_owned());
    hub.ranges.lock().unwrap().push(range.clone());
    let length = hub.file.len();
    let from = range.and_then(|r| {
        r.strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    match (hub.manner, from) {
        (Manner::Refuses, _) => StatusCode::FORBIDDEN.into_response(),
        (Manner::BreaksOff, _) => {
            let half = hub.file.slice(..length / 2);
            let chunks = [Ok(half), Err(std::io::Error::other("cut"))];
            (
                [(header::CONTENT_LENGTH, length)],
                Body::from_stream(futures::stream::iter(chunks)),
            )
                .into_response()
        }
        (Manner::Good, Some(from)) if from >= length => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            [(header::CONTENT_RANGE, format!("bytes */{length}"))],
        )
            .into_response(),
        (Manner::Good, Some(from)) => {
            let range = format!("bytes {from}-{}/{length}", length - 1);
            (
                StatusCode::PARTIAL_CONTENT,
                [(header::CONTENT_RANGE, range)],
                hub.file.slice(from..),
            )
                .into_response()
        }
        (Manner::Good | Manner::IgnoresRange, _) => hub.file.into_response(),
    }
}

/// Starts a hub; gives its address and the ranges that it was asked for.
async fn hub(file: &[u8], manner: Manner) -> (String, Arc<Mutex<Vec<Option<String>>>>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let state = Hub {
        file: Bytes::copy_from_slice(file),
        manner,
        ranges: ranges.clone(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(serve).with_state(state)).await
    });
    (format!("http://{address}/models/"), ranges)
}

fn info(file: &[u8]) -> ModelInfo {
    let sha1: String = Sha1::digest(file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    ModelInfo {
        name: "test",
        bytes: file.len() as u64,
        memory: 0,
        sha1: Some(sha1.leak()),
        multilingual: true,
        note: "",
    }
}

fn model() -> Vec<u8> {
    TinyModel::saying(&[" hello"]).to_bytes()
}

async fn fetch(
    base: &str,
    info: &ModelInfo,
    dir: &Path,
) -> (Result<std::path::PathBuf, ModelsError>, Vec<Progress>) {
    let mut seen = Vec::new();
    let outcome = pull_from(base, info, dir, |progress| seen.push(progress)).await;
    (outcome, seen)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_model_is_fetched_checked_and_named_once() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    let (base, ranges) = hub(&file, Manner::Good).await;
    let (path, seen) = fetch(&base, &info(&file), dir.path()).await;
    assert_eq!(std::fs::read(path.unwrap()).unwrap(), file);
    assert_eq!(names(dir.path()), ["ggml-test.bin"]);
    let length = file.len() as u64;
    assert_eq!(
        seen.last(),
        Some(&Progress {
            done: length,
            total: Some(length)
        })
    );
    assert!(seen.is_sorted_by_key(|progress| progress.done));

    fetch(&base, &info(&file), dir.path()).await.0.unwrap();
    assert_eq!(
        ranges.lock().unwrap().len(),
        1,
        "what is there is not fetched again"
    );
}

#[tokio::test]
async fn an_attempt_that_broke_off_is_gone_on_with() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    let (base, _) = hub(&file, Manner::BreaksOff).await;
    let (broken, _) = fetch(&base, &info(&file), dir.path()).await;
    let message = broken.unwrap_err().to_string();
    assert!(
        message.contains("seogo models add ggml-test.bin"),
        "{message}"
    );
    let part = dir.path().join("ggml-test.bin.part");
    let kept = std::fs::metadata(&part).unwrap().len();
    assert!(kept > 0);

    let (base, ranges) = hub(&file, Manner::Good).await;
    let (path, seen) = fetch(&base, &info(&file), dir.path()).await;
    assert_eq!(std::fs::read(path.unwrap()).unwrap(), file);
    assert_eq!(*ranges.lock().unwrap(), [Some(format!("bytes={kept}-"))]);
    assert_eq!(seen[0].total, Some(file.len() as u64));
    assert!(!part.exists());
}

#[tokio::test]
async fn a_hub_that_ignores_the_range_starts_over() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    std::fs::write(dir.path().join("ggml-test.bin.part"), b"something old").unwrap();
    let (base, _) = hub(&file, Manner::IgnoresRange).await;
    let (path, _) = fetch(&base, &info(&file), dir.path()).await;
    assert_eq!(std::fs::read(path.unwrap()).unwrap(), file);
}

#[tokio::test]
async fn a_part_that_is_whole_already_is_only_checked() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    std::fs::write(dir.path().join("ggml-test.bin.part"), &file).unwrap();
    let (base, _) = hub(&file, Manner::Good).await;
    assert_eq!(
        std::fs::read(fetch(&base, &info(&file), dir.path()).await.0.unwrap()).unwrap(),
        file
    );
}

#[tokio::test]
async fn a_damaged_file_is_thrown_away() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    let mut damaged = file.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let (base, _) = hub(&damaged, Manner::Good).await;
    let (outcome, _) = fetch(&base, &info(&file), dir.path()).await;
    assert!(
        matches!(outcome, Err(ModelsError::Checksum { .. })),
        "{outcome:?}"
    );
    assert_eq!(names(dir.path()), Vec::<String>::new());

    // Without a published checksum the structure is still looked through.
    let (base, _) = hub(
        b"<html>sign in to the airport's network</html>",
        Manner::Good,
    )
    .await;
    let unlisted = ModelInfo {
        sha1: None,
        ..info(&file)
    };
    let (outcome, _) = fetch(&base, &unlisted, dir.path()).await;
    assert!(
        matches!(outcome, Err(ModelsError::NotAModel { .. })),
        "{outcome:?}"
    );
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_hub_out_of_reach_tells_how_to_go_on_by_hand() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    let (refusing, _) = hub(&file, Manner::Refuses).await;
    // Nobody listens at a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for base in [refusing, format!("http://{free}/models/")] {
        let message = fetch(&base, &info(&file), dir.path())
            .await
            .0
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("seogo models add ggml-test.bin") && message.contains(&base),
            "{message}"
        );
    }
    let unknown = pull("enormous", dir.path(), |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(unknown.contains("large-v3-turbo-q5_0"), "{unknown}");
}

#[tokio::test]
async fn two_at_once_do_not_write_one_file() {
    let (dir, file) = (tempfile::tempdir().unwrap(), model());
    let part = dir.path().join("ggml-test.bin.part");
    let other = std::fs::File::create(&part).unwrap();
    other.lock().unwrap();
    let (base, _) = hub(&file, Manner::Good).await;
    let (outcome, _) = fetch(&base, &info(&file), dir.path()).await;
    assert!(matches!(outcome, Err(ModelsError::Busy)), "{outcome:?}");
}
