//! The document: one original file, or one note.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DocumentId, Timestamp};

/// What kind of thing a document is, and so which pages show it and which stages it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Something to read: PDF, text, HTML, Office.
    Document,
    /// Text written in Seogo itself.
    Note,
    /// Something to hear.
    Audio,
    /// Something to watch.
    Video,
    /// A picture or a scan.
    Image,
}

impl Category {
    /// Every category, in the order of the sidebar.
    pub const ALL: [Self; 5] = [
        Self::Document,
        Self::Note,
        Self::Audio,
        Self::Video,
        Self::Image,
    ];

    /// The name used in the database, the API and the search index.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Note => "note",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`Category`].
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no category; it is one of document, note, audio, video, image")]
pub struct UnknownCategory(pub String);

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == text)
            .ok_or_else(|| UnknownCategory(text.to_owned()))
    }
}

/// How a document came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Found in a watched folder.
    Watch,
    /// Uploaded through the API.
    Upload,
    /// Written as a note.
    Note,
    /// Named on the command line.
    Cli,
}

impl Source {
    /// The name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Upload => "upload",
            Self::Note => "note",
            Self::Cli => "cli",
        }
    }

    /// The source of that name; `None` when there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Watch, Self::Upload, Self::Note, Self::Cli]
            .into_iter()
            .find(|source| source.as_str() == name)
    }
}

/// One original file (or one note) and what was learnt of it. `extracted_text` is kept apart: it may be
/// megabytes, and lists do not need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// UUIDv7.
    pub id: DocumentId,
    /// Never empty: the name of the file until something better is known.
    pub title: String,
    /// What kind of thing it is.
    pub category: Category,
    /// The extension-like kind: `pdf`, `note`, `mp3`, …
    pub file_type: String,
    /// Media type.
    pub mime: String,
    /// Relative to the library root, `/` between parts, NFC. `None` for notes.
    pub path: Option<String>,
    /// The path's bytes as on disk, where they differ from `path` (NFD, or not UTF-8).
    #[serde(skip)]
    pub path_raw: Option<Vec<u8>>,
    /// BLAKE3 of the content, lower-case hex.
    pub content_hash: String,
    /// Bytes.
    pub size: i64,
    /// Last change of the file's content as the file system told it.
    pub modified_at: Timestamp,
    /// How it came in.
    pub source: Source,
    /// BCP 47 language of the text, where known.
    pub language: Option<String>,
    /// `invoice`, `minutes`, …: what classify found.
    pub document_type: Option<String>,
    /// Where summarize has run.
    pub summary: Option<String>,
    /// The date the content speaks of, `YYYY-MM-DD`.
    pub document_date: Option<String>,
    /// Seconds, of audio and video.
    pub duration_s: Option<f64>,
    /// Pixels as shown (rotation applied).
    pub width: Option<i64>,
    /// Pixels as shown (rotation applied).
    pub height: Option<i64>,
    /// Pages, where the format has them.
    pub page_count: Option<i64>,
    /// A video no browser plays as it is.
    pub needs_conversion: bool,
    /// The transcript was made by the draft engine and will be redone when a speech model is there.
    pub transcript_draft: bool,
    /// Relative to the derived-files folder.
    pub thumbnail_path: Option<String>,
    /// Relative to the derived-files folder.
    pub preview_path: Option<String>,
    /// Names of the fields a person has set; no stage overwrites them.
    pub user_fields: Vec<String>,
    /// Sorted, unique.
    pub tags: Vec<String>,
    /// When Seogo took it in.
    pub created_at: Timestamp,
    /// Last change of this record.
    pub updated_at: Timestamp,
    /// Since when the file is gone from the folder; the record stays.
    pub missing_since: Option<Timestamp>,
    /// In the trash since.
    pub trashed_at: Option<Timestamp>,
}

impl Document {
    /// A document of which nothing is known yet but its title: of category `document`, without content.
    pub fn blank(id: DocumentId, title: String, source: Source, now: Timestamp) -> Self {
        Self {
            id,
            title,
            category: Category::Document,
            file_type: String::new(),
            mime: String::new(),
            path: None,
            path_raw: None,
            content_hash: String::new(),
            size: 0,
            modified_at: now,
            source,
            language: None,
            document_type: None,
            summary: None,
            document_date: None,
            duration_s: None,
            width: None,
            height: None,
            page_count: None,
            needs_conversion: false,
            transcript_draft: false,
            thumbnail_path: None,
            preview_path: None,
            user_fields: Vec::new(),
            tags: Vec::new(),
            created_at: now,
            updated_at: now,
            missing_since: None,
            trashed_at: None,
        }
    }

    /// Whether a person set the field, so that stages leave it alone.
    pub fn set_by_user(&self, field: &str) -> bool {
        self.user_fields.iter().any(|name| name == field)
    }
}

/// Changes to a document; `None` leaves the field as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentPatch {
    /// New title.
    pub title: Option<String>,
    /// New category.
    pub category: Option<Category>,
    /// Whole extracted text; pages are separated by form feeds (U+000C).
    pub extracted_text: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// What kind of document it is.
    pub document_type: Option<String>,
    /// Summary.
    pub summary: Option<String>,
    /// `YYYY-MM-DD`.
    pub document_date: Option<String>,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// Pixels as shown.
    pub width: Option<i64>,
    /// Pixels as shown.
    pub height: Option<i64>,
    /// Pages.
    pub page_count: Option<i64>,
    /// A video no browser plays as it is.
    pub needs_conversion: Option<bool>,
    /// See [`Document::transcript_draft`].
    pub transcript_draft: Option<bool>,
    /// Relative to the derived-files folder.
    pub thumbnail_path: Option<String>,
    /// Relative to the derived-files folder.
    pub preview_path: Option<String>,
}
