//! Settings: flags over `SEOGO_*` variables over `seogo.toml` over defaults.
//!
//! [`list`] has every setting once; variables, flags, help and docs/settings.md follow from it. [`Sources`] lays what people gave
//! over each other, [`Settings`] is the typed outcome. Only `main` looks at the machine; all of this is pure.

pub mod list;
mod parse;
mod secret;
mod sources;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use secret::Secret;
pub use sources::{Sources, Value};
use stages::VideoPolicy;

use crate::paths::DataDir;
use sources::Values;

/// What is wrong with the settings, said so that a person can mend it.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A name that is no setting.
    #[error(
        "{origin}: {name} is no setting; the nearest is {nearest} (all of them: docs/settings.md, or seogo help)"
    )]
    Unknown {
        /// Where it was found.
        origin: String,
        /// The unknown name.
        name: String,
        /// The known name most like it.
        nearest: String,
    },
    /// A value of the wrong kind.
    #[error("{origin} {problem}")]
    Invalid {
        /// Who gave the value.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The settings file is no TOML.
    #[error("{file} cannot be read as TOML: {problem}")]
    Toml {
        /// Name of the file.
        file: String,
        /// What and where.
        problem: String,
    },
}

/// Address of the database, hidden from logs because it may hold a password.
pub type DatabaseUrl = Secret;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    /// For reading.
    Human,
    /// One JSON object a line.
    Json,
}

/// Every setting in its type. The fields are those of [`list::SETTINGS`], which explains them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `data_dir`.
    pub data: DataDir,
    /// `library_dir`.
    pub library_dir: PathBuf,
    /// `listen`.
    pub listen: SocketAddr,
    /// `database_url`.
    pub database_url: DatabaseUrl,
    /// `database_wait_s`.
    pub database_wait: Duration,
    /// `admin_password`.
    pub admin_password: Option<Secret>,
    /// `max_upload_bytes`.
    pub max_upload_bytes: u64,
    /// `library.ignore`.
    pub library_ignore: Vec<String>,
    /// `roon_library_path`.
    pub roon_library_path: Option<PathBuf>,
    /// `scan_interval_s`.
    pub scan_interval: Duration,
    /// `settle_ms`.
    pub settle: Duration,
    /// `stt_endpoint`.
    pub stt_endpoint: Option<String>,
    /// `stt_model`.
    pub stt_model: Option<String>,
    /// `langs`.
    pub langs: Vec<String>,
    /// `ocr_languages`.
    pub ocr_languages: Vec<String>,
    /// `video.auto_convert` and `video.transcribe`.
    pub video: VideoPolicy,
    /// `llm_endpoint`.
    #[allow(
        dead_code,
        reason = "accepted and checked; the stages that use it come later"
    )]
    pub llm_endpoint: Option<String>,
    /// `llm_model`.
    #[allow(
        dead_code,
        reason = "accepted and checked; the stages that use it come later"
    )]
    pub llm_model: Option<String>,
    /// `llm_api_key`.
    #[allow(
        dead_code,
        reason = "accepted and checked; the stages that use it come later"
    )]
    pub llm_api_key: Option<Secret>,
    /// `embed_model`.
    #[allow(
        dead_code,
        reason = "accepted and checked; the stages that use it come later"
    )]
    pub embed_model: Option<String>,
    /// `queue.concurrency`; the stages' names are checked where the stages are known.
    pub concurrency: BTreeMap<String, usize>,
    /// `queue.backfill`.
    pub backfill: u32,
    /// `queue.history_days`.
    pub history: Duration,
    /// `log`.
    pub log: Option<String>,
    /// `log_format`.
    pub log_format: LogFormat,
}

impl Settings {
    /// Reads all settings out of what people gave.
    ///
    /// # Errors
    /// Unknown names and values of the wrong kind, each with its origin and the way out.
    pub fn from_sources(sources: &Sources) -> Result<Self, SettingsError> {
        let values = sources.values()?;
        let data = DataDir::new(required(&values, "data_dir", parse::path)?);
        Ok(Self {
            library_dir: optional(&values, "library_dir", parse::path)?
                .unwrap_or_else(|| data.library()),
            database_url: optional(&values, "database_url", parse::database)?
                .unwrap_or_else(|| DatabaseUrl::new(data.database_url())),
            database_wait: required(&values, "database_wait_s", parse::number)
                .map(Duration::from_secs)?,
            data,
            listen: required(&values, "listen", parse::address)?,
            admin_password: optional(&values, "admin_password", parse::secret)?,
            max_upload_bytes: required(&values, "max_upload_bytes", parse::number)?,
            library_ignore: optional(&values, "library.ignore", parse::entries)?
                .unwrap_or_default(),
            roon_library_path: optional(&values, "roon_library_path", parse::path)?,
            scan_interval: required(&values, "scan_interval_s", parse::number)
                .map(Duration::from_secs)?,
            settle: required(&values, "settle_ms", parse::number).map(Duration::from_millis)?,
            stt_endpoint: optional(&values, "stt_endpoint", parse::endpoint)?,
            stt_model: optional(&values, "stt_model", parse::text)?,
            langs: required(&values, "langs", parse::languages)?,
            ocr_languages: required(&values, "ocr_languages", parse::languages)?,
            video: VideoPolicy {
                auto_convert: required(&values, "video.auto_convert", parse::switch)?,
                transcribe: required(&values, "video.transcribe", parse::switch)?,
            },
            llm_endpoint: optional(&values, "llm_endpoint", parse::endpoint)?,
            llm_model: optional(&values, "llm_model", parse::text)?,
            llm_api_key: optional(&values, "llm_api_key", parse::secret)?,
            embed_model: optional(&values, "embed_model", parse::text)?,
            concurrency: optional(&values, "queue.concurrency", parse::concurrency)?
                .unwrap_or_default(),
            backfill: required(&values, "queue.backfill", parse::count)?,
            history: required(&values, "queue.history_days", parse::days)?,
            log: optional(&values, "log", parse::text)?,
            log_format: required(&values, "log_format", parse::log_format)?,
        })
    }
}

type Parse<T> = fn(&Value) -> Result<T, String>;

fn optional<T>(values: &Values, key: &str, parse: Parse<T>) -> Result<Option<T>, SettingsError> {
    let Some(given) = values.get(key) else {
        return Ok(None);
    };
    match parse(&given.value) {
        Ok(value) => Ok(Some(value)),
        Err(problem) => Err(SettingsError::Invalid {
            origin: given.origin.clone(),
            problem,
        }),
    }
}

fn required<T>(values: &Values, key: &str, parse: Parse<T>) -> Result<T, SettingsError> {
    optional(values, key, parse)?.ok_or_else(|| SettingsError::Invalid {
        origin: key.to_owned(),
        problem: "must have a value".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::from_sources(&Sources {
            variables,
            ..Sources::default()
        })
    }

    #[test]
    fn everything_has_a_default_that_holds() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.library_dir, PathBuf::from("./data/library"));
        assert_eq!(settings.database_url.expose(), "sqlite:./data/seogo.db");
        assert_eq!(settings.langs, ["ko", "en"]);
        assert_eq!(settings.admin_password, None);
    }

    #[test]
    fn library_and_database_follow_the_data_folder() {
        let settings = settings(&[("SEOGO_DATA_DIR", "/srv/서고")]).unwrap();
        assert_eq!(settings.library_dir, PathBuf::from("/srv/서고/library"));
        assert_eq!(settings.database_url.expose(), "sqlite:/srv/서고/seogo.db");
    }

    #[test]
    fn a_wrong_value_is_told_with_its_origin() {
        let message = settings(&[("SEOGO_LISTEN", "here")])
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("SEOGO_LISTEN must be an address"),
            "{message}"
        );
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        let settings = settings(&[
            ("SEOGO_ADMIN_PASSWORD", "sesame1"),
            ("SEOGO_LLM_API_KEY", "sesame2"),
            ("SEOGO_DATABASE_URL", "postgres://me:sesame3@db/seogo"),
        ]);
        assert!(!format!("{:?}", settings.unwrap()).contains("sesame"));
    }

    #[test]
    fn every_setting_is_read() {
        // A setting in the list that nobody reads would be accepted and do nothing.
        for setting in list::SETTINGS {
            let source = include_str!("mod.rs");
            assert!(
                source.contains(&format!("&values, \"{}\"", setting.key)),
                "{} is never read",
                setting.key
            );
        }
    }
}
