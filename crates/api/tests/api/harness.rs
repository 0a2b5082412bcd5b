//! A whole server without a socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::{
    ApiSettings, AppState, Internals, ServerStatus, SpeechEngine, SpeechStatus, StatusSource,
};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use ingest::{Ingest, IngestConfig};
use model::{
    Category, Clock, Document, DocumentId, Lane, ManualClock, SeededRandom, StageSpec, Timestamp,
    Write,
};
use queue::{Graph, Job, Outcome, Stage, StageError};
use serde_json::Value;
use store::Store;
use tempfile::TempDir;
use testkit::{TestStore, postgres_store, sqlite_store};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// What a site takes at most, where a case does not care.
const MAX_UPLOAD_BYTES: u64 = 1024 * 1024;

pub struct Site {
    pub app: Arc<AppState>,
    pub clock: Arc<ManualClock>,
    pub shutdown: CancellationToken,
    pub status: Arc<FixedStatus>,
    router: Router,
    token: String,
    folder: TempDir,
    _database: TestStore,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Asserts a refusal of that status and code in the API's shape.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error_code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        assert!(!body["message"].as_str().expect("a message").is_empty());
        body
    }

    /// Asserts success and gives the JSON.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self.json()
    }
}

impl Site {
    /// On the database that needs nothing installed.
    pub async fn new() -> Self {
        Self::sqlite().await
    }

    pub async fn sqlite() -> Self {
        Self::with(ApiSettings::default(), MAX_UPLOAD_BYTES).await
    }

    pub async fn postgres() -> Self {
        let database = postgres_store().await;
        Self::on(database, ApiSettings::default(), MAX_UPLOAD_BYTES).await
    }

    pub async fn with(settings: ApiSettings, max_upload_bytes: u64) -> Self {
        Self::on(sqlite_store().await, settings, max_upload_bytes).await
    }

    /// On this database.
    pub async fn on_store(database: TestStore) -> Self {
        Self::on(database, ApiSettings::default(), MAX_UPLOAD_BYTES).await
    }

    async fn on(database: TestStore, settings: ApiSettings, max_upload_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(START));
        let random = Arc::new(SeededRandom::new(1));
        let store = Store::clone(&database);
        let graph = Arc::new(Graph::new(stages()).expect("a graph"));
        let mut config = IngestConfig::new(folder.path().join("library"));
        config.create_library = true;
        config.max_upload_bytes = max_upload_bytes;
        let first = Arc::clone(&graph);
        let first_stages = Arc::new(move |document: &Document| first.first_stages(document));
        let ingest = Ingest::new(
            config,
            store.clone(),
            clock.clone(),
            random.clone(),
            first_stages,
        );
        let token = api::create_api_token(&store, &*clock, &*random, "tests", None)
            .await
            .expect("a token");
        let shutdown = CancellationToken::new();
        let status = Arc::new(FixedStatus::default());
        let app = Arc::new(AppState {
            store,
            graph,
            ingest: Arc::new(ingest.expect("an ingest")),
            search: crate::search::index(folder.path()),
            derived_dir: folder.path().join("derived"),
            clock: clock.clone(),
            random,
            secret: [7; 32],
            status: status.clone(),
            settings,
            shutdown: shutdown.clone(),
            internals: Internals::default(),
        });
        let router = api::router(Arc::clone(&app));
        Self {
            app,
            clock,
            shutdown,
            status,
            router,
            token: token.token,
            folder,
            _database: database,
        }
    }

    /// Sends a request as it is.
    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body").to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The answer while its body still comes.
    pub async fn streamed(&self, path: &str) -> axum::response::Response {
        let request = self
            .request(Method::GET, path)
            .body(Body::empty())
            .expect("a request");
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible")
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let bearer = format!("Bearer {}", self.token);
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, bearer)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let builder = self.request(Method::GET, path);
        let builder = headers.iter().fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        });
        self.raw(builder.body(Body::empty()).expect("a request"))
            .await
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.raw(request.body(body).expect("a request")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Without any credentials.
    pub async fn anonymous(&self, method: Method, path: &str, body: Value) -> Answer {
        anonymous(self, method, path, body, &[]).await
    }

    pub async fn upload(&self, name: &str, content: &[u8]) -> Answer {
        self.upload_form(&[("file", Some(name), content)]).await
    }

    pub async fn upload_form(&self, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
        let request = self.request(Method::POST, "/api/documents").header(
            header::CONTENT_TYPE,
            "multipart/form-data; boundary=xxBOUNDARYxx",
        );
        self.raw(
            request
                .body(Body::from(multipart(parts)))
                .expect("a request"),
        )
        .await
    }

    /// The id of a new document of that name and content.
    pub async fn document(&self, name: &str, content: &[u8]) -> String {
        let body = self.upload(name, content).await.ok(201);
        body["id"].as_str().expect("an id").to_owned()
    }

    /// Commits what a stage would have written.
    pub async fn write(&self, id: &str, writes: &[Write]) {
        let mut tx = self.app.store.write().await.expect("a transaction");
        tx.apply_writes(&DocumentId::from(id), writes, self.clock.now())
            .await
            .expect("written");
        tx.commit().await.expect("committed");
    }

    /// A file in the folder of derived files.
    pub fn derived(&self, name: &str, content: &[u8]) {
        let path = self.app.derived_dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }
}

pub async fn anonymous(
    site: &Site,
    method: Method,
    path: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> Answer {
    let builder = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");
    let builder = headers.iter().fold(builder, |builder, (name, value)| {
        builder.header(*name, *value)
    });
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    site.raw(builder.body(body).expect("a request")).await
}

pub fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, file_name, content) in parts {
        body.extend_from_slice(
            format!("--xxBOUNDARYxx\r\nContent-Disposition: form-data; name=\"{field}\"")
                .as_bytes(),
        );
        if let Some(name) = file_name {
            body.extend_from_slice(
                format!("; filename=\"{name}\"\r\nContent-Type: application/octet-stream")
                    .as_bytes(),
            );
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xxBOUNDARYxx--\r\n");
    body
}

/// Answers, or panics where it is told to.
#[derive(Default)]
pub struct FixedStatus(pub AtomicBool);

#[async_trait]
impl StatusSource for FixedStatus {
    async fn status(&self) -> ServerStatus {
        assert!(!self.0.load(Ordering::SeqCst), "broken for a test");
        ServerStatus {
            version: "1.2.3".into(),
            speech: SpeechStatus {
                ready: false,
                model: None,
                engine: SpeechEngine::Draft,
                message: Some("No speech model yet.".into()),
                command: Some("seogo models pull".into()),
            },
            programs: Vec::new(),
        }
    }
}

/// Stages that are never run here: they only say for what they are.
struct Named(&'static StageSpec, fn(&Document) -> bool);

#[async_trait]
impl Stage for Named {
    fn spec(&self) -> &'static StageSpec {
        self.0
    }

    fn wants(&self, document: &Document) -> bool {
        (self.1)(document)
    }

    async fn run(&self, _: &Job) -> Result<Outcome, StageError> {
        Ok(Outcome::default())
    }
}

const fn spec(
    name: &'static str,
    after: &'static [&'static str],
    at_ingest: bool,
    lane: Lane,
) -> StageSpec {
    StageSpec {
        name,
        after,
        at_ingest,
        version: 1,
        lane,
        concurrency: 2,
        lease_ms: 10_000,
        max_attempts: 3,
    }
}

static EXTRACT: StageSpec = spec("extract", &[], true, Lane::Cpu);
static STT: StageSpec = spec("stt", &[], true, Lane::Gpu);
static CLASSIFY: StageSpec = spec("classify", &["extract", "stt"], false, Lane::Cpu);
static CONVERT: StageSpec = spec("convert", &[], false, Lane::Cpu);

fn stages() -> Vec<Arc<dyn Stage>> {
    let heard = |document: &Document| document.category == Category::Audio;
    let read =
        |document: &Document| !matches!(document.category, Category::Audio | Category::Video);
    vec![
        Arc::new(Named(&EXTRACT, read)),
        Arc::new(Named(&STT, heard)),
        Arc::new(Named(&CLASSIFY, |_| true)),
        Arc::new(Named(&CONVERT, |document| document.needs_conversion)),
    ]
}

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);
