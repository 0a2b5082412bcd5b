//! `POST /transcribe`, `/health` and `/ready`, with the real engine over a model of our own making.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::{Value, json};
use support::{Service, assert_error, read, transcribe_request};

const SENTENCE: [&str; 3] = [" 안녕", "하세요", " hello"];

#[tokio::test]
async fn health_and_ready_tell_the_truth_and_a_model_is_picked_up_when_it_comes() {
    let service = Service::with_noise(1);
    assert_eq!(
        service.get("/health").await,
        (StatusCode::OK, json!({"status": "ok"}))
    );
    let (status, body) = service.get("/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (&body["ready"], &body["model_loaded"], &body["model"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("seogo models pull")
    );

    let service = service.speaks(&SENTENCE);
    let (status, body) = service.get("/ready").await;
    assert_eq!(status, StatusCode::OK);
    if !cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan")) {
        let whole = json!({"ready": true, "cuda": false, "device_count": 0, "model_loaded": true, "model": "own"});
        assert_eq!(body, whole);
    }
}

#[tokio::test]
async fn a_recording_of_the_fixtures_becomes_text_with_times() {
    let service = Service::with_tools()
        .speaks(&SENTENCE)
        .holds("audio/회의 녹음.m4a", "회의 녹음.m4a");
    let decomposed = model::name::nfd("회의 녹음.m4a");
    let (status, body) = service
        .transcribe(json!({"filePath": decomposed, "langs": ["ko", "en"], "beamSize": 5}))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["text"], "안녕하세요 hello");
    assert_eq!(body["language"], "ko");
    assert!(
        (body["duration"].as_f64().unwrap() - 4.2).abs() < 0.2,
        "{body}"
    );
    assert_eq!(
        body["segments"],
        json!([{"start": 0.0, "end": 1.5, "text": "안녕하세요 hello"}])
    );
}

#[tokio::test]
async fn a_stream_tells_progress_then_lines_with_words_then_the_whole() {
    let service = Service::with_tools()
        .speaks(&SENTENCE)
        .holds("audio/spoken.mp3", "a.mp3");
    let absolute = service.library().join("a.mp3");
    let lines = service.stream(json!({"filePath": absolute})).await;
    let of = |kind: &str| {
        lines
            .iter()
            .filter(|line| line["type"] == kind)
            .collect::<Vec<_>>()
    };
    let progress: Vec<f64> = of("progress")
        .iter()
        .map(|line| line["progress"].as_f64().unwrap())
        .collect();
    assert!(
        progress.is_sorted() && progress.iter().all(|p| (0.0..=1.0).contains(p)),
        "{progress:?}"
    );
    let [segment] = of("segment")[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        (&segment["start"], &segment["end"]),
        (&json!(0.0), &json!(1.5))
    );
    let words: Vec<_> = segment["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["word"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["안녕하세요", "hello"]);
    assert!(segment["confidence"].as_f64().unwrap() > 0.9, "{segment}");
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["type"], &last["text"], &last["language"]),
        (&json!("done"), &json!("안녕하세요 hello"), &json!("ko"))
    );
    assert!(
        (last["duration"].as_f64().unwrap() - 10.4).abs() < 0.3,
        "{last}"
    );
}

#[tokio::test]
async fn the_language_is_the_likeliest_of_the_shortlist() {
    let service = Service::with_noise(5).speaks(&SENTENCE);
    std::fs::write(service.library().join("a"), b"x").unwrap();
    // The model hears Korean, then English, then the rest.
    for (langs, heard) in [
        (json!([]), "ko"),
        (json!(["ja", "en"]), "en"),
        (json!(["ja"]), "ja"),
        (json!(["en", "ko"]), "ko"),
    ] {
        let (_, body) = service
            .transcribe(json!({"filePath": "a", "langs": langs}))
            .await;
        assert_eq!(body["language"], heard, "{langs}");
    }
}

#[tokio::test]
async fn silence_has_no_words() {
    let service = Service::with_tools()
        .speaks(&SENTENCE)
        .holds("audio/silence.flac", "silence.flac");
    let (status, body) = service
        .transcribe(json!({"filePath": "silence.flac", "beamSize": 1}))
        .await;
    assert_eq!(
        (status, &body["text"], &body["segments"]),
        (StatusCode::OK, &json!(""), &json!([]))
    );
    assert!((body["duration"].as_f64().unwrap() - 2.0).abs() < 0.1);
}

#[tokio::test]
async fn a_recording_longer_than_a_window_is_whole_and_its_times_go_on() {
    let service = Service::with_noise(130).speaks(&[" tick"]);
    std::fs::write(service.library().join("long"), b"x").unwrap();
    let lines = service
        .stream(json!({"filePath": "long", "langs": ["en"], "beamSize": 1}))
        .await;
    let starts: Vec<f64> = lines
        .iter()
        .filter(|l| l["type"] == "segment")
        .map(|l| l["start"].as_f64().unwrap())
        .collect();
    assert!(starts.is_sorted() && starts.len() >= 5, "{starts:?}");
    assert!(starts.last().unwrap() > &110.0);
    assert_eq!(lines.last().unwrap()["duration"], 130.0);
}

#[tokio::test]
async fn bad_requests_have_the_shape_of_errors() {
    let service = Service::with_noise(1).speaks(&SENTENCE);
    std::fs::write(service.library().join("a"), b"x").unwrap();
    for body in ["", "{}", "[1]", "{\"filePath\": 3}", "{\"filePath\": \"\"}"] {
        assert_error(
            &read(service.call(transcribe_request(body, false)).await).await,
            400,
            "bad_request",
        );
    }
    for body in [
        json!({"filePath": "a", "langs": ["klingon"]}),
        json!({"filePath": "a", "beamSize": 0}),
        json!({"filePath": "a", "beamSize": 9}),
        json!({"filePath": "a\0b"}),
    ] {
        assert_error(&service.transcribe(body).await, 400, "bad_request");
    }
    let huge = json!({"filePath": "a".repeat(100_000)}).to_string();
    assert_error(
        &read(service.call(transcribe_request(&huge, false)).await).await,
        400,
        "bad_request",
    );
    assert_error(&service.get("/nothing").await, 404, "not_found");
    assert_error(&service.get("/transcribe").await, 405, "method_not_allowed");
}

#[tokio::test]
async fn paths_are_judged_before_the_model_and_the_model_before_the_sound() {
    let service = Service::with_tools().holds("documents/workshop.md", "notes.mp3");
    assert_error(
        &service.transcribe(json!({"filePath": "../x"})).await,
        403,
        "outside_roots",
    );
    assert_error(
        &service.transcribe(json!({"filePath": "/etc/passwd"})).await,
        403,
        "outside_roots",
    );
    assert_error(
        &service.transcribe(json!({"filePath": "없음.mp3"})).await,
        404,
        "not_found",
    );
    assert_error(
        &service.transcribe(json!({"filePath": "notes.mp3"})).await,
        503,
        "model_not_loaded",
    );

    let service = service
        .speaks(&SENTENCE)
        .holds("audio/noise.mp3", "noise.mp3")
        .holds("audio/empty.mp3", "empty.mp3")
        .holds("video/silent.mp4", "silent.mp4");
    for name in ["notes.mp3", "noise.mp3", "empty.mp3", "silent.mp4", "."] {
        let answer = service.transcribe(json!({"filePath": name})).await;
        assert_error(&answer, 415, "no_audio");
        // A stream is judged alike, before it begins.
        let streamed = service
            .call(transcribe_request(
                &json!({"filePath": name}).to_string(),
                true,
            ))
            .await;
        assert_error(&read(streamed).await, 415, "no_audio");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_frees_the_engine() {
    let service = Service::with_noise(1).speaks(&SENTENCE);
    std::fs::write(service.library().join("endless"), b"x").unwrap();
    let body = json!({"filePath": "endless", "beamSize": 1}).to_string();
    let endless = service.call(transcribe_request(&body, true)).await;
    let mut lines = endless.into_body().into_data_stream();
    lines.next().await.unwrap().unwrap();
    // The second waits in line behind the endless first; only its end lets it go on.
    let second = service.call(transcribe_request(&body, true)).await;
    let mut second = second.into_body().into_data_stream();
    drop(lines);
    loop {
        let bytes = second.next().await.unwrap().unwrap();
        let line: Value = serde_json::from_slice(&bytes).unwrap();
        if line["type"] == "segment" {
            break;
        }
    }
}

#[tokio::test]
async fn a_service_that_stops_says_so_to_who_waits() {
    let service = Service::with_noise(1).speaks(&SENTENCE);
    std::fs::write(service.library().join("endless"), b"x").unwrap();
    let body = json!({"filePath": "endless"});
    let (lines, ()) = tokio::join!(service.stream(body), async { service.cancel.cancel() });
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["type"], &last["error_code"]),
        (&json!("error"), &json!("cancelled"))
    );
}
