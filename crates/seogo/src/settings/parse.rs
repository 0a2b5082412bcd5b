//! From the text of a setting to its type. Errors finish the sentence "«origin» …".

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::sources::Value;
use super::{DatabaseUrl, LogFormat, Secret};

/// Most documents a stage may work on at once.
const MAX_CONCURRENCY: usize = 256;
/// Longest time anything is kept for, in days: a hundred years.
const MAX_DAYS: u64 = 36_500;

type Parsed<T> = Result<T, String>;

pub fn text(value: &Value) -> Parsed<String> {
    match value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Value::Text(_) => Err("must not be empty".to_owned()),
        Value::List(_) => Err("takes one value, not several".to_owned()),
    }
}

pub fn path(value: &Value) -> Parsed<PathBuf> {
    text(value).map(PathBuf::from)
}

pub fn secret(value: &Value) -> Parsed<Secret> {
    match value {
        // Not trimmed: blanks at the ends of a password are its owner's.
        Value::Text(text) if !text.is_empty() => Ok(Secret::new(text)),
        _ => Err("must be a text that is not empty".to_owned()),
    }
}

pub fn number<T: FromStr + PartialOrd + From<u8>>(value: &Value) -> Parsed<T> {
    let text = text(value)?;
    match text.parse::<T>() {
        Ok(number) if number >= T::from(1) => Ok(number),
        _ => Err(format!("must be a whole number from 1 up, not {text:?}")),
    }
}

/// A number that may be 0.
pub fn count(value: &Value) -> Parsed<u32> {
    let text = text(value)?;
    text.parse()
        .map_err(|_| format!("must be a whole number from 0 up, not {text:?}"))
}

/// Yes or no.
pub fn switch(value: &Value) -> Parsed<bool> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!("must be true or false, not {other:?}")),
    }
}

/// Whole days, at least one.
pub fn days(value: &Value) -> Parsed<Duration> {
    let days = number::<u64>(value)?;
    if days > MAX_DAYS {
        return Err(format!("must be {MAX_DAYS} at most, not {days}"));
    }
    Ok(Duration::from_secs(days * 24 * 3600))
}

/// Several entries; none at all is fine.
pub fn entries(value: &Value) -> Parsed<Vec<String>> {
    let all: Vec<&str> = match value {
        Value::Text(text) => text.split(',').collect(),
        Value::List(entries) => entries.iter().map(String::as_str).collect(),
    };
    Ok(all
        .into_iter()
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Language codes, at least one: `ko`, `pt-BR`, `chi_sim`.
pub fn languages(value: &Value) -> Parsed<Vec<String>> {
    let codes = entries(value)?;
    let odd = |code: &&String| {
        !code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if let Some(code) = codes.iter().find(odd) {
        return Err(format!(
            "has {code:?}, which is no language code like ko or en"
        ));
    }
    if codes.is_empty() {
        return Err("must name at least one language, like ko,en".to_owned());
    }
    Ok(codes)
}

pub fn address(value: &Value) -> Parsed<SocketAddr> {
    let text = text(value)?;
    let text = text.replace("localhost:", "127.0.0.1:");
    text.parse().map_err(|_| {
        format!("must be an address with a port like 127.0.0.1:8080 or [::]:8080, not {text:?}")
    })
}

/// The root of an HTTP service, without the slash at its end.
pub fn endpoint(value: &Value) -> Parsed<String> {
    let text = text(value)?;
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!(
            "must be a URL like http://192.168.0.10:3300, not {text:?}"
        )),
    }
}

/// The address of the database; it may hold a password, so it is not repeated in the error.
pub fn database(value: &Value) -> Parsed<DatabaseUrl> {
    let text = text(value)?;
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if known.iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(DatabaseUrl::new(text));
    }
    Err("must begin with sqlite: or postgres://".to_owned())
}

/// `STAGE=N` pairs.
pub fn concurrency(value: &Value) -> Parsed<BTreeMap<String, usize>> {
    entries(value)?
        .iter()
        .map(|entry| one_concurrency(entry))
        .collect()
}

fn one_concurrency(entry: &str) -> Parsed<(String, usize)> {
    let (stage, count) = entry
        .split_once('=')
        .ok_or_else(|| format!("has {entry:?}; entries are STAGE=N, like stt=1"))?;
    match count.trim().parse() {
        Ok(count @ 1..=MAX_CONCURRENCY) => Ok((stage.trim().to_owned(), count)),
        _ => Err(format!("has {entry:?}; N is from 1 to {MAX_CONCURRENCY}")),
    }
}

pub fn log_format(value: &Value) -> Parsed<LogFormat> {
    match text(value)?.as_str() {
        "auto" => Ok(LogFormat::Auto),
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("must be auto, human or json, not {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn an_address_needs_a_port() {
        assert_eq!(address(&given("localhost:80")).unwrap().port(), 80);
        assert!(
            address(&given("127.0.0.1"))
                .unwrap_err()
                .contains("with a port")
        );
    }

    #[test]
    fn an_endpoint_loses_its_last_slash() {
        assert_eq!(
            endpoint(&given("http://gpu:3300/")).unwrap(),
            "http://gpu:3300"
        );
        assert!(endpoint(&given("gpu:3300")).is_err());
        assert!(endpoint(&given("http:///x")).is_err());
    }

    #[test]
    fn numbers_begin_at_one() {
        assert_eq!(
            number::<u64>(&given("17179869184")).unwrap(),
            17_179_869_184
        );
        for wrong in ["0", "-1", "many", "1.5"] {
            assert!(number::<u64>(&given(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_count_may_be_nothing() {
        assert_eq!(count(&given("0")).unwrap(), 0);
        assert!(count(&given("-1")).is_err());
    }

    #[test]
    fn a_switch_is_on_or_off() {
        assert_eq!(switch(&given("true")), Ok(true));
        assert_eq!(switch(&given("Off")), Ok(false));
        let error = switch(&given("maybe")).unwrap_err();
        assert_eq!(error, "must be true or false, not \"maybe\"");
    }

    #[test]
    fn days_are_few_enough_to_count_with() {
        assert_eq!(days(&given("2")).unwrap(), Duration::from_secs(172_800));
        for wrong in ["0", "36501", "18446744073709551615"] {
            assert!(days(&given(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_come_with_commas_or_as_lists() {
        assert_eq!(entries(&given(" a, b,")).unwrap(), ["a", "b"]);
        assert_eq!(
            entries(&Value::List(vec!["*.{a,b}".into()])).unwrap(),
            ["*.{a,b}"]
        );
    }

    #[test]
    fn the_database_is_sqlite_or_postgres_and_its_password_is_not_repeated() {
        assert!(database(&given("sqlite:data/seogo.db")).is_ok());
        assert!(
            !database(&given("mysql://me:sesame@db/x"))
                .unwrap_err()
                .contains("sesame")
        );
        assert!(
            !format!(
                "{:?}",
                database(&given("postgres://me:sesame@db/x")).unwrap()
            )
            .contains("sesame")
        );
    }

    #[test]
    fn concurrency_is_stage_and_number() {
        assert_eq!(concurrency(&given("stt=2, embed=4")).unwrap()["embed"], 4);
        for wrong in ["stt", "stt=0", "stt=x", "stt=100000"] {
            assert!(concurrency(&given(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn languages_are_codes() {
        assert_eq!(languages(&given("ko,en")).unwrap(), ["ko", "en"]);
        assert!(languages(&given("한국어")).is_err());
        assert!(languages(&given(",")).is_err());
    }
}
