//! The service on a real port: what only a connection shows.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use std::net::SocketAddr;

use serde_json::{Value, json};
use speech::{SpeechConfig, serve};
use support::{Service, fixtures};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tools::{Toolbox, ToolboxSettings};

async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    accept: &str,
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: here\r\nAccept: {accept}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> (String, Value) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().to_owned();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_connection_that_closes_stops_the_work_of_a_plain_request() {
    let service = Service::with_noise(2).speaks(&[" hello"]);
    for name in ["endless", "short"] {
        std::fs::write(service.library().join(name), b"x").unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service.router.clone()).await });

    let ask = |name: &str| json!({"filePath": name, "beamSize": 1}).to_string();
    // A stream takes the engine, a plain request waits behind it, and a short one behind both.
    let mut first = send(
        address,
        "POST",
        "/transcribe",
        "application/x-ndjson",
        &ask("endless"),
    )
    .await;
    let mut block = [0; 512];
    assert!(first.read(&mut block).await.unwrap() > 0);
    let second = send(address, "POST", "/transcribe", "*/*", &ask("endless")).await;
    let third = send(address, "POST", "/transcribe", "*/*", &ask("short")).await;
    drop(first);
    drop(second);
    let (status, body) = answer(third).await;
    assert_eq!((status.as_str(), &body["text"]), ("200", &json!("hello")));
}

#[tokio::test]
async fn the_served_service_finds_its_model_works_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let config = SpeechConfig {
        roots: vec![fixtures().join("audio")],
        models_dir: Some(dir.path().to_owned()),
        threads: Some(1),
        ..SpeechConfig::default()
    };
    let settings = ToolboxSettings::new("/nonexistent".into(), dir.path().to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(
        listener,
        config,
        Toolbox::new(settings),
        cancel.clone(),
    ));

    let (status, body) = answer(send(address, "GET", "/ready", "*/*", "").await).await;
    assert_eq!((status.as_str(), &body["ready"]), ("503", &json!(false)));
    let tiny = speech::tiny_model::TinyModel::saying(&[" hello"]).to_bytes();
    std::fs::write(dir.path().join("given.bin"), tiny).unwrap();
    speech::models::add(&dir.path().join("given.bin"), dir.path()).unwrap();
    let (status, body) = answer(send(address, "GET", "/ready", "*/*", "").await).await;
    assert_eq!((status.as_str(), &body["model"]), ("200", &json!("given")));
    let ask = json!({"filePath": "short.wav"}).to_string();
    let (status, body) = answer(send(address, "POST", "/transcribe", "*/*", &ask).await).await;
    assert_eq!((status.as_str(), &body["text"]), ("200", &json!("hello")));

    cancel.cancel();
    server.await.unwrap().unwrap();
}
