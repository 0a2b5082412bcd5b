//! Changes as they happen.

use axum::body::BodyDataStream;
use futures::StreamExt;
use serde_json::{Value, json};
use store::Event;

use crate::conformance;
use crate::harness::{PATIENCE, Site};

conformance!(
    a_new_document_is_told_with_its_work,
    a_listener_that_fell_behind_is_told_to_look_again,
    the_stream_ends_with_the_server,
    a_stopped_server_lets_go_of_its_listeners,
);

/// Reads until the text holds `wanted`.
async fn read_until(stream: &mut BodyDataStream, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let piece = stream.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reading).await;
    assert!(in_time.is_ok(), "{wanted} never came; there was {text}");
    text
}

fn data_of<'a>(text: &'a str, event: &str) -> Vec<&'a str> {
    let head = format!("event: {event}\n");
    text.split("\n\n")
        .filter_map(|message| message.strip_prefix(head.as_str())?.strip_prefix("data: "))
        .collect()
}

async fn a_new_document_is_told_with_its_work(site: Site) {
    let response = site.streamed("/api/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let id = site.document("a.txt", b"x").await;
    let text = read_until(&mut stream, "event: queue").await;
    let document: Value = serde_json::from_str(data_of(&text, "document")[0]).unwrap();
    assert_eq!(document, json!({"id": id, "category": "document"}));
    let row: Value = serde_json::from_str(data_of(&text, "queue")[0]).unwrap();
    assert_eq!(row["document_id"], id.as_str());
    assert_eq!(
        (&row["stage"], &row["status"], &row["progress"]),
        (&json!("extract"), &json!("pending"), &Value::Null)
    );

    let path = format!("/api/documents/{id}");
    site.send(axum::http::Method::PATCH, &path, json!({"title": "b"}))
        .await
        .ok(200);
    let text = read_until(&mut stream, "event: document").await;
    let document: Value = serde_json::from_str(data_of(&text, "document")[0]).unwrap();
    assert_eq!(
        document["category"], "document",
        "looked up where the change did not know it"
    );
}

async fn a_listener_that_fell_behind_is_told_to_look_again(site: Site) {
    let mut stream = site
        .streamed("/api/events")
        .await
        .into_body()
        .into_data_stream();
    for _ in 0..3000 {
        site.app.store.announce(Event::Stage {
            stage: "stt".into(),
        });
    }
    let text = read_until(&mut stream, "event: resync").await;
    assert!(!text.contains("event: stage"), "the gap is told first");
    read_until(&mut stream, "event: stage").await;
}

async fn the_stream_ends_with_the_server(site: Site) {
    let mut stream = site
        .streamed("/api/events")
        .await
        .into_body()
        .into_data_stream();
    site.shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, stream.next()).await;
    assert!(matches!(ended, Ok(None)));
}

async fn a_stopped_server_lets_go_of_its_listeners(site: Site) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = api::router(std::sync::Arc::clone(&site.app));
    let serving = tokio::spawn(api::serve(listener, router, site.shutdown.clone()));
    let answer = exchange(
        address,
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{\"status\":\"ok\"}"),
        "{answer}"
    );
    site.shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, serving).await;
    assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
}

async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
