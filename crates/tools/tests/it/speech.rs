//! Draft transcripts by the real engine, and the client of the speech service against a service of a few lines.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tools::{
    Again, Patience, SpeechClient, SpeechReady, SpeechRequest, TimeBudget, ToolError, Transcript,
    Unit,
};

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
    for (status, name, expected, again) in [
        (503, "model_not_loaded", "model_not_loaded", Again::Yes),
        (415, "no_audio", "no_audio", Again::No),
        (404, "not_found", "not_found", Again::No),
        (403, "outside_roots", "outside_roots", Again::No),
        (418, "something_new", "service_error", Again::Yes),
        (500, "engine_failed", "engine_failed", Again::Once),
    ] {
        let body = format!(r#"{{"error_code":"{name}","message":"what to do"}}"#);
        let (client, _request) = service(status, "application/json", &body).await;
        let error = transcribe(&client).await.unwrap_err();
        assert_eq!((error.code(), error.again()), (expected, again), "{name}");
        assert_eq!(error.to_string(), "what to do");
    }
    let line = r#"{"type":"error","error_code":"engine_failed","message":"crash"}"#;
    let (client, _request) = service(200, "application/x-ndjson", line).await;
    assert_eq!(code(transcribe(&client).await), "engine_failed");
}

#[tokio::test]
async fn a_service_that_is_gone_is_not_one_that_breaks_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = SpeechClient::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(code(transcribe(&nobody).await), "stt_unavailable");
    assert_eq!(code(nobody.ready().await), "stt_unavailable");
    let half = r#"{"type":"segment","start":0,"end":1,"text":"one"}"#;
    let (client, _request) = service(200, "application/x-ndjson", half).await;
    let error = transcribe(&client).await.unwrap_err();
    assert_eq!(
        (error.code(), error.again()),
        ("stt_broke_off", Again::Once)
    );
    let (client, _request) = service(502, "text/html", "<h1>Bad gateway</h1>").await;
    assert_eq!(code(transcribe(&client).await), "stt_unavailable");
}

#[tokio::test]
async fn a_silent_service_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener, Duration::from_millis(50), 3600);
    let error = transcribe(&client).await.unwrap_err();
    assert_eq!(
        (error.code(), error.again()),
        ("stt_unavailable", Again::Yes)
    );
    assert!(
        error.to_string().contains("it said nothing for 0.05 s"),
        "{error}"
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener, Duration::from_secs(1), 3600);
    let (result, _) = tokio::join!(transcribe(&client), slow_service(&listener, PROGRESS, 1));
    assert_eq!(code(result), "stt_broke_off", "silent in the middle");
}

#[tokio::test]
async fn a_service_that_says_nothing_new_is_given_up_however_often_it_says_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener, Duration::from_secs(3600), 0);
    // In the middle it is this recording that it hangs on.
    let (result, gone) = tokio::join!(
        transcribe(&client),
        slow_service(&listener, PROGRESS, u64::MAX)
    );
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.again()), ("stalled", Again::Once));
    assert!(
        error
            .to_string()
            .contains("0.5 s for each of 2 seconds of sound"),
        "{error}"
    );
    assert!(gone, "and the service is told");
    // Before it has begun, the turn of others may take long.
    let (result, _) = tokio::join!(
        transcribe(&client),
        slow_service(&listener, WAITING, u64::MAX)
    );
    let error = result.unwrap_err();
    assert_eq!(
        (error.code(), error.again()),
        ("stt_unavailable", Again::Yes)
    );
    assert!(
        error.to_string().contains("it did not begin within 1 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_that_is_cancelled_or_dropped_tells_the_service_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&listener, Duration::from_secs(3600), 3600);
    for is_dropped in [false, true] {
        let (cancel, begun) = (CancellationToken::new(), CancellationToken::new());
        let request = request();
        let call = async {
            let call = client.transcribe(&request, |_| begun.cancel(), &cancel);
            tokio::select! {
                result = call => Some(code(result)),
                () = begun.cancelled(), if is_dropped => None,
            }
        };
        let stop = async {
            begun.cancelled().await;
            if !is_dropped {
                cancel.cancel();
            }
        };
        let (result, (), gone) = tokio::join!(call, stop, slow_service(&listener, PROGRESS, 1));
        assert_eq!(result, (!is_dropped).then_some("cancelled"));
        assert!(gone, "dropped: {is_dropped}");
    }
}

/// What a service says that stands still.
const PROGRESS: &str = "{\"type\":\"progress\",\"progress\":0.3}\n";
/// What it says before it has begun.
const WAITING: &str = "{\"type\":\"progress\",\"progress\":0}\n";

/// A client that waits so long for a word, and for progress so long and half a second for each of sound.
fn client_of(listener: &TcpListener, silence: Duration, still_s: u64) -> SpeechClient {
    let client = SpeechClient::new(&format!("http://{}/", listener.local_addr().unwrap()));
    client.unwrap().with_patience(Patience {
        silence,
        still: TimeBudget::still(still_s, 500, Unit::SecondOfSound),
    })
}

/// A service that says the same line up to so many times, every 20 ms, and then waits; gives whether the caller went away.
async fn slow_service(listener: &TcpListener, line: &str, times: u64) -> bool {
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let talk = async {
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..times {
            beat.tick().await;
            if writer.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    };
    let mut rest = [0; 16];
    let gone = async {
        tokio::select! {
            () = talk => {}
            end = reader.read(&mut rest) => assert!(matches!(end, Ok(0) | Err(_))),
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .is_ok()
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
        duration_s: Some(2.0),
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
