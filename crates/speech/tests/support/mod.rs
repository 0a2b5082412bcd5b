//! A service with a model of its own making, and sound from memory or from the fixtures.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures::StreamExt;
use serde_json::Value;
use speech::audio::{AudioError, Decoder, Pcm};
use speech::tiny_model::TinyModel;
use speech::{SpeechConfig, SpeechState, router};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tools::{Toolbox, ToolboxSettings};
use tower::ServiceExt;

/// A service and the folders it lives in.
pub struct Service {
    pub router: Router,
    pub cancel: CancellationToken,
    pub dir: TempDir,
}

impl Service {
    /// With the library at `library/` of a folder of its own, reading sound through `decoder`.
    pub fn new(decoder: impl FnOnce(&Path) -> Arc<dyn Decoder>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["library", "uploads", "scratch"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let config = SpeechConfig {
            roots: vec![dir.path().join("library")],
            model: Some(dir.path().join("models/ggml-own.bin")),
            upload_dir: Some(dir.path().join("uploads")),
            max_upload_bytes: 1 << 20,
            window_seconds: 60,
            threads: Some(1),
            ..SpeechConfig::default()
        };
        let cancel = CancellationToken::new();
        let state = SpeechState::new(config, decoder(dir.path()), cancel.clone());
        Self {
            router: router(state),
            cancel,
            dir,
        }
    }

    /// Sound is read by the media tools.
    pub fn with_tools() -> Self {
        Self::new(|dir| {
            let settings = ToolboxSettings::new(PathBuf::from("/nonexistent"), dir.join("scratch"));
            Arc::new(Toolbox::new(settings))
        })
    }

    /// Every file sounds for so many seconds.
    pub fn with_noise(seconds: usize) -> Self {
        Self::new(|_| Arc::new(Noise { seconds }))
    }

    /// Puts a model there that says these tokens.
    pub fn speaks(self, tokens: &[&str]) -> Self {
        let models = self.dir.path().join("models");
        std::fs::create_dir_all(&models).unwrap();
        std::fs::write(
            models.join("ggml-own.bin"),
            TinyModel::saying(tokens).to_bytes(),
        )
        .unwrap();
        self
    }

    pub fn library(&self) -> PathBuf {
        self.dir.path().join("library")
    }

    /// Copies a fixture into the library under `name`.
    pub fn holds(self, fixture: &str, name: &str) -> Self {
        std::fs::copy(fixtures().join(fixture), self.library().join(name)).unwrap();
        self
    }

    pub async fn call(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(
            self.call(Request::get(path).body(Body::empty()).unwrap())
                .await,
        )
        .await
    }

    pub async fn transcribe(&self, body: Value) -> (StatusCode, Value) {
        read(
            self.call(transcribe_request(&body.to_string(), false))
                .await,
        )
        .await
    }

    /// The lines of a streamed transcription.
    pub async fn stream(&self, body: Value) -> Vec<Value> {
        let response = self.call(transcribe_request(&body.to_string(), true)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/x-ndjson"
        );
        let text = text(response).await;
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

pub fn transcribe_request(body: &str, streamed: bool) -> Request<Body> {
    let accept = if streamed {
        "application/x-ndjson"
    } else {
        "application/json"
    };
    Request::post("/transcribe")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub async fn text(response: Response) -> String {
    let mut body = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend(chunk.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

pub async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = text(response).await;
    (
        status,
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")),
    )
}

/// An error in the shape that every error has.
pub fn assert_error(answer: &(StatusCode, Value), status: u16, code: &str) {
    assert_eq!(
        (answer.0.as_u16(), answer.1["error_code"].as_str()),
        (status, Some(code)),
        "{}",
        answer.1
    );
    assert!(!answer.1["message"].as_str().unwrap().is_empty());
}

/// A body of multipart/form-data.
pub fn multipart(fields: &[(&str, &str)], file: Option<&[u8]>) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .bytes(),
        );
    }
    if let Some(file) = file {
        body.extend(
            b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n",
        );
        body.extend(file);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    Request::post("/v1/audio/transcriptions")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
        .body(Body::from(body))
        .unwrap()
}

/// A decoder that gives a hum, for ever where the file is called `endless`.
pub struct Noise {
    pub seconds: usize,
}

const FOR_EVER: usize = 1_000_000;

pub struct Hum {
    left: usize,
}

#[async_trait::async_trait]
impl Decoder for Noise {
    async fn probe(&self, path: &Path) -> Result<Option<f64>, AudioError> {
        Ok((!path.ends_with("endless")).then_some(self.seconds as f64))
    }

    async fn open(&self, path: &Path) -> Result<Box<dyn Pcm>, AudioError> {
        let seconds = if path.ends_with("endless") {
            FOR_EVER
        } else {
            self.seconds
        };
        Ok(Box::new(Hum {
            left: seconds * 16_000,
        }))
    }
}

#[async_trait::async_trait]
impl Pcm for Hum {
    async fn read(&mut self, samples: &mut Vec<f32>, max: usize) -> Result<usize, AudioError> {
        let count = max.min(self.left);
        samples.extend((0..count).map(|i| (i as f32 * 0.05).sin() * 0.3));
        self.left -= count;
        Ok(count)
    }
}
