//! The list of all settings: variables, flags, keys, help and docs/settings.md follow from it.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Key in `seogo.toml`; the variable and the flag are made of it.
    pub key: &'static str,
    /// Placeholder for the value in help.
    pub value: &'static str,
    /// What holds when nobody says anything.
    pub default: Fallback,
    /// Kept out of logs, and without a flag: other users of the machine can read command lines.
    pub secret: bool,
    /// One or two sentences for help and docs.
    pub doc: &'static str,
}

/// The value of a setting that nobody has given.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// Read like a given value.
    Is(&'static str),
    /// Made from other settings; this says how.
    From(&'static str),
    /// The setting stays empty.
    Nothing,
}

impl Setting {
    /// The environment variable: `library.ignore` is `SEOGO_LIBRARY_IGNORE`.
    pub fn variable(&self) -> String {
        format!(
            "{VARIABLE_PREFIX}{}",
            self.key.replace('.', "_").to_uppercase()
        )
    }

    /// The flag without its dashes, unless the setting is secret: `library.ignore` is `library-ignore`.
    pub fn flag(&self) -> Option<String> {
        (!self.secret).then(|| self.key.replace(['.', '_'], "-"))
    }

    /// The default as people read it.
    pub fn default_text(&self) -> &'static str {
        match self.default {
            Fallback::Is(text) | Fallback::From(text) => text,
            Fallback::Nothing => "none",
        }
    }
}

/// What every variable of Seogo begins with.
pub const VARIABLE_PREFIX: &str = "SEOGO_";
/// Names the settings file.
pub const CONFIG_VARIABLE: &str = "SEOGO_CONFIG";
/// Variables of the project's own tests, which their servers inherit.
pub const TEST_VARIABLES: &[&str] = &["SEOGO_TEST_POSTGRES_URL", "SEOGO_BINARY"];

const fn setting(
    key: &'static str,
    value: &'static str,
    default: Fallback,
    doc: &'static str,
) -> Setting {
    Setting {
        key,
        value,
        default,
        secret: false,
        doc,
    }
}

const fn secret(
    key: &'static str,
    value: &'static str,
    default: Fallback,
    doc: &'static str,
) -> Setting {
    Setting {
        key,
        value,
        default,
        secret: true,
        doc,
    }
}

/// Every setting, in the order of docs/settings.md.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data_dir",
        "DIR",
        Fallback::Is("./data"),
        "Where Seogo keeps its database, search index, derived files and models.",
    ),
    setting(
        "library_dir",
        "DIR",
        Fallback::From("<data_dir>/library"),
        "The folder with Inbox, Recordings and Videos: the originals.",
    ),
    setting(
        "listen",
        "ADDRESS",
        Fallback::Is("127.0.0.1:8080"),
        "Address and port of the web app and the API.",
    ),
    setting(
        "database_url",
        "URL",
        Fallback::From("sqlite:<data_dir>/seogo.db"),
        "SQLite file, or postgres://… to share one archive between machines.",
    ),
    setting(
        "database_wait_s",
        "SECONDS",
        Fallback::Is("60"),
        "How long a server or worker waits at its start for a database that is not there yet.",
    ),
    secret(
        "admin_password",
        "PASSWORD",
        Fallback::Nothing,
        "Creates the user admin at first start; without it a one-time set-up link is printed.",
    ),
    setting(
        "max_upload_bytes",
        "BYTES",
        Fallback::Is("17179869184"),
        "Largest file the web upload takes.",
    ),
    setting(
        "library.ignore",
        "GLOB,…",
        Fallback::Nothing,
        "Paths below the library that are never taken in, as globs.",
    ),
    setting(
        "roon_library_path",
        "DIR",
        Fallback::Nothing,
        "A music library inside the library folder: nothing below it is taken in.",
    ),
    setting(
        "scan_interval_s",
        "SECONDS",
        Fallback::Is("300"),
        "How often the library is walked through in full, beside watching it.",
    ),
    setting(
        "settle_ms",
        "MILLISECONDS",
        Fallback::Is("2000"),
        "How long a file must hold still before it is taken in.",
    ),
    setting(
        "stt_endpoint",
        "URL",
        Fallback::Nothing,
        "Speech service on another machine; without it Seogo runs its own.",
    ),
    setting(
        "stt_model",
        "NAME|FILE",
        Fallback::From("the best model in <data_dir>/models"),
        "Speech model: a name from `seogo models list`, or a file.",
    ),
    setting(
        "langs",
        "LANG,…",
        Fallback::Is("ko,en"),
        "Languages spoken in the recordings, the likeliest first.",
    ),
    setting(
        "ocr_languages",
        "LANG,…",
        Fallback::Is("kor,eng"),
        "Languages of scanned pages, as Tesseract names them.",
    ),
    setting(
        "video.auto_convert",
        "BOOL",
        Fallback::Is("false"),
        "Whether videos that no browser plays get a playable copy without being asked for.",
    ),
    setting(
        "video.transcribe",
        "BOOL",
        Fallback::Is("false"),
        "Whether the sound of new videos is transcribed, so that their words are found.",
    ),
    setting(
        "llm_endpoint",
        "URL",
        Fallback::Nothing,
        "OpenAI-compatible service for summaries and questions: Ollama, llama.cpp, vLLM.",
    ),
    setting(
        "llm_model",
        "NAME",
        Fallback::Nothing,
        "Model to ask there.",
    ),
    secret(
        "llm_api_key",
        "KEY",
        Fallback::Nothing,
        "Key for it, where it wants one.",
    ),
    setting(
        "embed_model",
        "NAME",
        Fallback::Nothing,
        "Model that turns passages into vectors.",
    ),
    setting(
        "queue.concurrency",
        "STAGE=N,…",
        Fallback::From("each stage's own"),
        "How many documents a stage works on at once.",
    ),
    setting(
        "queue.backfill",
        "N",
        Fallback::Is("100"),
        "How many older documents wait at once to be done again by a stage that got better; 0 leaves them as they are.",
    ),
    setting(
        "queue.history_days",
        "DAYS",
        Fallback::Is("30"),
        "How long finished work stays on record once it has been done again.",
    ),
    setting(
        "log",
        "FILTER",
        Fallback::From(
            "info for servers, warn for other commands, and less from libraries that talk much",
        ),
        "How much is logged: error, warn, info, debug, trace, or for one part as in info,ingest=debug.",
    ),
    setting(
        "log_format",
        "FORMAT",
        Fallback::Is("auto"),
        "human, json, or auto: human on a terminal and json elsewhere.",
    ),
];

/// The setting of that key.
pub fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The known name that looks most like `name`.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or("", |(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_key() {
        let ignore = by_key("library.ignore").unwrap();
        assert_eq!(ignore.variable(), "SEOGO_LIBRARY_IGNORE");
        assert_eq!(ignore.flag().unwrap(), "library-ignore");
    }

    #[test]
    fn secrets_have_no_flag() {
        assert_eq!(by_key("admin_password").unwrap().flag(), None);
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let keys = || SETTINGS.iter().map(|setting| setting.key);
        assert_eq!(nearest("stt_endpiont", keys()), "stt_endpoint");
        assert_eq!(nearest("library_ignore", keys()), "library.ignore");
        assert_eq!(nearest("anything", []), "");
    }

    /// The part of docs/settings.md below the heading of `key`.
    fn documented<'a>(text: &'a str, key: &str) -> Option<&'a str> {
        let rest = text.split_once(&format!("\n## {key}\n"))?.1;
        Some(rest.split("\n## ").next().unwrap_or(rest))
    }

    const DOCS: &str = include_str!("../../../../docs/settings.md");

    #[test]
    fn every_setting_is_documented_with_its_names_and_default() {
        for setting in SETTINGS {
            let part = documented(DOCS, setting.key)
                .unwrap_or_else(|| panic!("docs/settings.md has no heading `## {}`", setting.key));
            assert!(
                part.contains(&format!("`{}`", setting.variable())),
                "{}: its variable",
                setting.key
            );
            assert!(
                part.contains(&format!("default: {}", setting.default_text())),
                "{}: its default",
                setting.key
            );
            if let Some(flag) = setting.flag() {
                assert!(
                    part.contains(&format!("`--{flag}`")),
                    "{}: its flag",
                    setting.key
                );
            }
        }
    }

    #[test]
    fn every_heading_of_the_docs_is_a_setting() {
        for heading in DOCS.lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(
                by_key(heading).is_some(),
                "docs/settings.md explains {heading}, which is no setting"
            );
        }
    }
}
