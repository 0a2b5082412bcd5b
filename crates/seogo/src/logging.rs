//! The log: to standard error, so that standard output stays the command's own.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::settings::{LogFormat, Settings, SettingsError};

/// Starts logging as the settings say, at `level` where they say nothing.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(settings: &Settings, level: &str) -> Result<(), SettingsError> {
    let filter = filter(settings.log.as_deref().unwrap_or(level))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if is_json(settings.log_format) {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).init();
    }
    Ok(())
}

fn is_json(format: LogFormat) -> bool {
    match format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    }
}

fn filter(text: &str) -> Result<EnvFilter, SettingsError> {
    EnvFilter::try_new(text).map_err(|error| SettingsError::Invalid {
        origin: "log".to_owned(),
        problem: format!("must be a filter like info or info,ingest=debug, not {text:?}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_a_list() {
        assert!(filter("info,ingest=debug").is_ok());
        assert!(
            filter("ingest=loud")
                .unwrap_err()
                .to_string()
                .contains("must be a filter")
        );
    }
}
