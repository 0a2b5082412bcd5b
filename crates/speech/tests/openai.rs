//! `POST /v1/audio/transcriptions`.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use axum::http::{StatusCode, header};
use serde_json::json;
use support::{Service, assert_error, fixtures, multipart, read, text};

fn service() -> Service {
    Service::with_tools().speaks(&[" 안녕", "하세요", " hello"])
}

fn sound() -> Vec<u8> {
    std::fs::read(fixtures().join("audio/short.wav")).unwrap()
}

#[tokio::test]
async fn every_format_carries_the_text() {
    let service = service();
    let wav = sound();
    let cue = "00:00:00,000 --> 00:00:01,500\n안녕하세요 hello\n\n";
    for (format, kind, content) in [
        (
            "json",
            "application/json",
            "{\"text\":\"안녕하세요 hello\"}".to_owned(),
        ),
        (
            "text",
            "text/plain; charset=utf-8",
            "안녕하세요 hello\n".to_owned(),
        ),
        (
            "srt",
            "application/x-subrip; charset=utf-8",
            format!("1\n{cue}"),
        ),
        (
            "vtt",
            "text/vtt; charset=utf-8",
            format!("WEBVTT\n\n{}", cue.replace(',', ".")),
        ),
    ] {
        let fields = [
            ("model", "whisper-1"),
            ("response_format", format),
            ("language", "ko"),
        ];
        let response = service.call(multipart(&fields, Some(&wav))).await;
        assert_eq!(response.status(), StatusCode::OK, "{format}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        assert_eq!(text(response).await, content);
    }
    let left = std::fs::read_dir(service.dir.path().join("uploads"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "uploads are gone after the answer");
}

#[tokio::test]
async fn verbose_json_has_what_was_asked_for() {
    let service = service();
    let plain = [
        ("response_format", "verbose_json"),
        ("prompt", "Names: 홍길동"),
    ];
    let (_, body) = read(service.call(multipart(&plain, Some(&sound()))).await).await;
    assert_eq!(
        (&body["task"], &body["language"], &body["text"]),
        (
            &json!("transcribe"),
            &json!("korean"),
            &json!("안녕하세요 hello")
        )
    );
    assert!((body["duration"].as_f64().unwrap() - 2.6).abs() < 0.1);
    assert_eq!(
        (&body["segments"][0]["start"], &body["segments"][0]["end"]),
        (&json!(0.0), &json!(1.5))
    );
    assert!(body.get("words").is_none());

    let words = [
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
    ];
    let (_, body) = read(service.call(multipart(&words, Some(&sound()))).await).await;
    assert!(body.get("segments").is_none());
    assert_eq!(
        (&body["words"][0]["word"], &body["words"][1]["word"]),
        (&json!("안녕하세요"), &json!("hello"))
    );

    let both = [
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ];
    let (_, body) = read(service.call(multipart(&both, Some(&sound()))).await).await;
    assert!(body["segments"].is_array() && body["words"].is_array());
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_right_status() {
    let service = service();
    let wav = sound();
    for fields in [
        [("response_format", "yaml")],
        [("timestamp_granularities[]", "syllable")],
        [("language", "klingon")],
    ] {
        assert_error(
            &read(service.call(multipart(&fields, Some(&wav))).await).await,
            400,
            "bad_request",
        );
    }
    assert_error(
        &read(service.call(multipart(&[], None)).await).await,
        400,
        "bad_request",
    );
    assert_error(
        &read(service.call(multipart(&[], Some(b"no sound at all"))).await).await,
        415,
        "no_audio",
    );
    assert_error(
        &read(
            service
                .call(multipart(&[], Some(&vec![0; 1_100_000])))
                .await,
        )
        .await,
        413,
        "too_large",
    );

    let mut no_multipart = multipart(&[], None);
    no_multipart.headers_mut().remove(header::CONTENT_TYPE);
    assert_error(
        &read(service.call(no_multipart).await).await,
        400,
        "bad_request",
    );

    let deaf = Service::with_tools();
    assert_error(
        &read(deaf.call(multipart(&[], Some(&wav))).await).await,
        503,
        "model_not_loaded",
    );
}
