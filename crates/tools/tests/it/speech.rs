//! Draft transcripts by the real engine, and the client of the speech service against a service of a few lines.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tools::{SpeechClient, SpeechReady, SpeechRequest, ToolError, Transcript};

use crate::support::{Bench, code, fixture};

#[tokio::test]
async fn a_draft_has_the_words_at_their_times() {
    let bench = Bench::new();
    let seen = Mutex::new(Vec::new());
    let progress = |share| seen.lock().unwrap().push(share);
    let path = fixture("audio/spoken.mp3");
    let lines = bench
        .tools
        .draft_transcript(&path, progress, &bench.cancel)
        .await
        .unwrap();
    let text = lines
        .iter()
        .map(|line| line.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    for word in ["meeting", "monday", "budget", "library", "second floor"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(
        lines.len() >= 2,
        "a line for each sentence or so: {lines:?}"
    );
    assert!(
        lines
            .iter()
            .all(|line| line.start_s >= 0.4 && line.end_s <= 10.4 && line.start_s < line.end_s)
    );
    let words = lines[0].words.as_ref().unwrap().as_array().unwrap();
    assert!(words[0]["start"].as_f64().unwrap() < words[1]["start"].as_f64().unwrap());
    assert_eq!(*seen.lock().unwrap(), [1.0]);
    assert_eq!(
        std::fs::read_dir(bench.dir.path()).unwrap().count(),
        0,
        "no temporary file stays"
    );
}

#[tokio::test]
async fn a_long_recording_is_drafted_in_parts() {
    let bench = Bench::with(|settings| settings.limits.draft_part_s = 6);
    let seen = Mutex::new(Vec::new());
    let progress = |share| seen.lock().unwrap().push(share);
    let path = fixture("audio/spoken.mp3");
    let lines = bench
        .tools
        .draft_transcript(&path, progress, &bench.cancel)
        .await
        .unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(
        seen.len() >= 2 && seen.is_sorted() && seen.ends_with(&[1.0]),
        "{seen:?}"
    );
    assert!(
        lines.len() >= 2 && lines.is_sorted_by(|a, b| a.end_s <= b.start_s),
        "{lines:?}"
    );
    let floor = lines
        .iter()
        .find(|line| line.text.contains("second floor"))
        .unwrap();
    assert!(floor.start_s > 4.0 && floor.end_s > 8.0, "{floor:?}");
}

#[tokio::test]
async fn silence_has_no_words_and_a_silent_video_no_sound() {
    let bench = Bench::new();
    let draft = async |name: &str| {
        bench
            .tools
            .draft_transcript(&fixture(name), |_| {}, &bench.cancel)
            .await
    };
    assert_eq!(draft("audio/silence.flac").await.unwrap(), []);
    assert_eq!(code(draft("video/silent.mp4").await), "no_audio");
    assert_eq!(code(draft("audio/noise.mp3").await), "damaged");
}

#[tokio::test]
async fn a_stream_becomes_a_transcript() {
    let body = concat!(
        r#"{"type":"progress","progress":0.5}"#,
        "\n",
        r#"{"type":"segment","start":0.5,"end":1.5,"text":"안녕","words":[{"word":"안녕","start":0.5,"end":1.5,"confidence":0.9}],"confidence":0.9}"#,
        "\n",
        r#"{"type":"heartbeat"}"#,
        "\n\n",
        r#"{"type":"segment","start":2.0,"end":3.0,"text":"world","words":[]}"#,
        "\n",
        r#"{"type":"progress","progress":1}"#,
        "\n",
        r#"{"type":"done","text":"안녕 world","language":"ko","duration":3.5}"#,
        "\n",
    );
    let (client, request) = service(200, "application/x-ndjson", body).await;
    let mut seen = Vec::new();
    let transcript = transcribe_with(&client, |share| seen.push(share))
        .await
        .unwrap();
    assert_eq!(
        (transcript.text.as_str(), transcript.language.as_deref()),
        ("안녕 world", Some("ko"))
    );
    assert_eq!(
        (transcript.duration_s, transcript.segments.len()),
        (Some(3.5), 2)
    );
    assert!(transcript.segments[0].words.is_some() && transcript.segments[1].words.is_none());
    assert_eq!(seen, [0.5, 1.0]);
    let request = request.await.unwrap();
    assert!(
        request.contains("accept: application/x-ndjson"),
        "{request}"
    );
    assert!(
        request.ends_with(r#"{"filePath":"Recordings/회의.m4a","langs":["ko","en"],"beamSize":5}"#),
        "{request}"
    );
}

#[tokio::test]
async fn a_service_that_does_not_stream_is_understood() {
    let body = r#"{"text":"one two","language":"en","duration":2,
        "segments":[{"start":0,"end":1,"text":"one"},{"start":1,"end":2,"text":"two"}]}"#;
    let (client, _request) = service(200, "application/json", body).await;
    let transcript = transcribe(&client).await.unwrap();
    assert_eq!(transcript.segments[1].text, "two");
}

#[tokio::test]
async fn refusals_keep_their_names() {
    for (status, name, expected, retryable) in [
        (503, "model_not_loaded", "model_not_loaded", true),
        (415, "no_audio", "no_audio", false),
        (404, "not_found", "not_found", false),
        (403, "outside_roots", "outside_roots", false),
        (418, "something_new", "service_error", true),
    ] {
        let body = format!(r#"{{"error_code":"{name}","message":"what to do"}}"#);
        let (client, _request) = service(status, "application/json", &body).await;
        let error = transcribe(&client).await.unwrap_err();
        assert_eq!(
            (error.code(), error.retryable()),
            (expected, retryable),
            "{name}"
        );
        assert_eq!(error.to_string(), "what to do");
    }
    let line = r#"{"type":"error","error_code":"engine_failed","message":"crash"}"#;
    let (client, _request) = service(200, "application/x-ndjson", line).await;
    assert_eq!(code(transcribe(&client).await), "engine_failed");
}

#[tokio::test]
async fn a_service_that_is_gone_or_breaks_off_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = SpeechClient::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(code(transcribe(&nobody).await), "stt_unavailable");
    assert_eq!(code(nobody.ready().await), "stt_unavailable");
    let half = r#"{"type":"segment","start":0,"end":1,"text":"one"}"#;
    let (client, _request) = service(200, "application/x-ndjson", half).await;
    let error = transcribe(&client).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("stt_unavailable", true));
    let (client, _request) = service(502, "text/html", "<h1>Bad gateway</h1>").await;
    assert_eq!(code(transcribe(&client).await), "stt_unavailable");
}

#[tokio::test]
async fn a_silent_service_is_given_up_and_a_cancelled_call_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = SpeechClient::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let patient = client.clone().with_idle(Duration::from_millis(50));
    assert_eq!(code(transcribe(&patient).await), "stt_unavailable");
    let cancel = CancellationToken::new();
    let request = request();
    let call = client.transcribe(&request, |_| {}, &cancel);
    let (result, ()) = tokio::join!(call, async { cancel.cancel() });
    assert_eq!(code(result), "cancelled");
}

#[tokio::test]
async fn ready_is_understood_in_both_answers() {
    let body = r#"{"ready":false,"cuda":false,"device_count":0,"model_loaded":false,"model":null,"message":"pull one"}"#;
    let (client, _request) = service(503, "application/json", body).await;
    let expected = SpeechReady {
        message: Some("pull one".into()),
        ..SpeechReady::default()
    };
    assert_eq!(client.ready().await.unwrap(), expected);
    let body = r#"{"ready":true,"cuda":true,"device_count":1,"model_loaded":true,"model":"small"}"#;
    let (client, _request) = service(200, "application/json", body).await;
    assert!(client.ready().await.unwrap().ready);
}

fn request() -> SpeechRequest {
    SpeechRequest {
        file_path: "Recordings/회의.m4a".into(),
        langs: vec!["ko".into(), "en".into()],
        beam_size: 5,
    }
}

async fn transcribe(client: &SpeechClient) -> Result<Transcript, ToolError> {
    transcribe_with(client, |_| {}).await
}

async fn transcribe_with(
    client: &SpeechClient,
    on_progress: impl FnMut(f64) + Send,
) -> Result<Transcript, ToolError> {
    client
        .transcribe(&request(), on_progress, &CancellationToken::new())
        .await
}

/// A service that gives one answer, and the request that it got.
async fn service(status: u16, kind: &str, body: &str) -> (SpeechClient, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = SpeechClient::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let answer =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{body}");
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    });
    (client, served)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut block = [0; 4096];
        let n = stream.read(&mut block).await.unwrap();
        bytes.extend_from_slice(&block[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text.into_owned();
        }
    }
}
