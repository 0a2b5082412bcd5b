//! The model's types as OpenAPI describes them. The model itself knows nothing of HTTP; a test holds the names together.

#![allow(
    dead_code,
    reason = "these types are described, never made: the model's own are what is sent"
)]

use utoipa::ToSchema;

/// What kind of thing a document is.
#[derive(ToSchema)]
#[schema(as = Category, rename_all = "snake_case")]
pub(crate) enum CategoryWord {
    Document,
    Note,
    Audio,
    Video,
    Image,
}

/// How a document came in.
#[derive(ToSchema)]
#[schema(as = Source, rename_all = "snake_case")]
pub(crate) enum SourceWord {
    Watch,
    Upload,
    Note,
    Cli,
}

/// Where a queue row stands.
#[derive(ToSchema)]
#[schema(as = Status, rename_all = "snake_case")]
pub(crate) enum StatusWord {
    Pending,
    Processing,
    Completed,
    Failed,
    Cancelled,
}

/// What a stage's work mostly costs.
#[derive(ToSchema)]
#[schema(as = Lane, rename_all = "snake_case")]
pub(crate) enum LaneWord {
    Cpu,
    Gpu,
    Llm,
}

/// One original file, or one note.
#[derive(ToSchema)]
pub(crate) struct DocumentFields {
    /// UUIDv7.
    id: String,
    title: String,
    category: CategoryWord,
    /// The extension-like kind: `pdf`, `note`, `mp3`, …
    file_type: String,
    mime: String,
    /// Relative to the library; null for notes.
    path: Option<String>,
    /// BLAKE3, lower-case hex.
    content_hash: String,
    /// Bytes.
    size: i64,
    #[schema(format = DateTime)]
    modified_at: String,
    source: SourceWord,
    /// BCP 47.
    language: Option<String>,
    document_type: Option<String>,
    summary: Option<String>,
    /// The date the content speaks of, `YYYY-MM-DD`.
    #[schema(format = Date)]
    document_date: Option<String>,
    /// Seconds.
    duration_s: Option<f64>,
    /// Pixels.
    width: Option<i64>,
    /// Pixels.
    height: Option<i64>,
    page_count: Option<i64>,
    /// A video no browser plays as it is.
    needs_conversion: bool,
    /// The transcript was made by the draft engine.
    transcript_draft: bool,
    thumbnail_path: Option<String>,
    preview_path: Option<String>,
    /// Fields that a person has set; no stage overwrites them.
    user_fields: Vec<String>,
    tags: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// Since when the original is gone from the folder.
    #[schema(format = DateTime)]
    missing_since: Option<String>,
    /// In the trash since.
    #[schema(format = DateTime)]
    trashed_at: Option<String>,
}

/// One row of the processing queue.
#[derive(ToSchema)]
pub(crate) struct QueueFields {
    /// UUIDv7.
    id: String,
    document_id: String,
    stage: String,
    status: StatusWord,
    /// Higher goes first.
    priority: i64,
    /// Runs begun.
    attempts: i64,
    max_attempts: i64,
    #[schema(format = DateTime)]
    run_at: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    #[schema(format = DateTime)]
    lease_until: Option<String>,
    worker: Option<String>,
    /// 0 to 1.
    progress: Option<f64>,
    /// What is absent.
    waiting_for: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    stage_version: i64,
    /// How often its worker died while it had this row.
    crashes: i64,
}

/// One line of a transcript.
#[derive(ToSchema)]
#[schema(as = Segment)]
pub(crate) struct SegmentFields {
    /// Seconds.
    start_s: f64,
    /// Seconds.
    end_s: f64,
    text: String,
    /// 0 to 1; absent where the engine does not tell.
    #[schema(required = false)]
    confidence: Option<f64>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{Category, Lane, QueueItem, Segment, Source, Status, Timestamp};
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn described<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        keys(&schema["properties"])
    }

    fn keys(value: &Value) -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    }

    fn words<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()["enum"].clone()
    }

    #[test]
    fn a_document_is_described_as_it_is_sent() {
        let sent = serde_json::to_value(crate::view::document::tests::document()).unwrap();
        assert_eq!(described::<DocumentFields>(), keys(&sent));
    }

    #[test]
    fn a_queue_row_is_described_as_it_is_sent() {
        let item = QueueItem {
            id: "q".into(),
            document_id: "d".into(),
            stage: "stt".into(),
            status: Status::Pending,
            priority: model::Priority::Bulk,
            attempts: 0,
            max_attempts: 1,
            run_at: Timestamp(0),
            created_at: Timestamp(0),
            started_at: None,
            completed_at: None,
            lease_until: None,
            lease_id: None,
            worker: None,
            progress: None,
            waiting_for: None,
            error_code: None,
            error_message: None,
            stage_version: 1,
            crashes: 0,
        };
        let sent = serde_json::to_value(item).unwrap();
        assert_eq!(described::<QueueFields>(), keys(&sent));
    }

    #[test]
    fn a_line_is_described_as_it_is_sent() {
        let line = Segment {
            start_s: 0.0,
            end_s: 1.0,
            text: "a".into(),
            words: None,
            confidence: Some(0.5),
        };
        let sent = serde_json::to_value(line).unwrap();
        assert_eq!(described::<SegmentFields>(), keys(&sent));
    }

    #[test]
    fn every_word_is_described() {
        assert_eq!(words::<CategoryWord>(), json!(Category::ALL));
        assert_eq!(words::<StatusWord>(), json!(Status::ALL));
        assert_eq!(
            words::<LaneWord>(),
            json!([Lane::Cpu, Lane::Gpu, Lane::Llm])
        );
        let sources = [Source::Watch, Source::Upload, Source::Note, Source::Cli];
        assert_eq!(words::<SourceWord>(), json!(sources));
    }
}
