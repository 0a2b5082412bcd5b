//! Where values come from: flags over variables over the file over defaults. Nothing here looks at the machine.

use std::collections::BTreeMap;

use super::SettingsError;
use super::list::{
    self, CONFIG_VARIABLE, Fallback, SETTINGS, Setting, TEST_VARIABLES, VARIABLE_PREFIX, nearest,
};

/// Everything people have said, unread.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Key and value of each flag given.
    pub flags: Vec<(&'static str, String)>,
    /// The whole environment; what does not begin with `SEOGO_` is passed over.
    pub variables: Vec<(String, String)>,
    /// Name and text of the settings file.
    pub file: Option<(String, String)>,
}

/// A value as given.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One text; where a list is wanted, commas separate its entries.
    Text(String),
    /// A list or table of the settings file; a table's entries are `key=value`.
    List(Vec<String>),
}

/// A value and who gave it.
#[derive(Clone, Debug)]
pub struct Given {
    /// What was given.
    pub value: Value,
    /// For error messages: `--listen`, `SEOGO_LISTEN`, `seogo.toml: listen`.
    pub origin: String,
}

/// The value in force for each key that has one.
pub type Values = BTreeMap<&'static str, Given>;

impl Sources {
    /// Lays the sources over each other.
    ///
    /// # Errors
    /// A key or variable that is no setting, and a settings file that is no TOML.
    pub fn values(&self) -> Result<Values, SettingsError> {
        let mut values = defaults();
        if let Some((name, text)) = &self.file {
            values.extend(from_file(name, text)?);
        }
        values.extend(self.variable_values()?);
        values.extend(self.flags.iter().map(|(key, value)| from_flag(key, value)));
        Ok(values)
    }

    fn variable_values(&self) -> Result<Values, SettingsError> {
        self.variables
            .iter()
            .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX) && !is_other(name))
            .map(|(name, value)| (name, value, setting_of_variable(name)))
            // Compose files and units hand on variables that nobody has set as empty.
            .filter(|(_, value, setting)| setting.is_err() || !value.is_empty())
            .map(|(name, value, setting)| Ok((setting?.key, given(value, name.clone()))))
            .collect()
    }
}

fn defaults() -> Values {
    SETTINGS
        .iter()
        .filter_map(|setting| match setting.default {
            Fallback::Is(text) => Some((
                setting.key,
                given(text, format!("default of {}", setting.key)),
            )),
            Fallback::From(_) | Fallback::Nothing => None,
        })
        .collect()
}

fn given(text: &str, origin: String) -> Given {
    Given {
        value: Value::Text(text.to_owned()),
        origin,
    }
}

fn from_flag(key: &'static str, value: &str) -> (&'static str, Given) {
    let flag = list::by_key(key)
        .and_then(Setting::flag)
        .unwrap_or_default();
    (key, given(value, format!("--{flag}")))
}

fn is_other(name: &str) -> bool {
    name == CONFIG_VARIABLE || TEST_VARIABLES.contains(&name)
}

fn setting_of_variable(name: &str) -> Result<&'static Setting, SettingsError> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
        return Ok(setting);
    }
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    Err(SettingsError::Unknown {
        origin: "the environment".to_owned(),
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)).to_owned(),
    })
}

fn from_file(name: &str, text: &str) -> Result<Values, SettingsError> {
    let table: toml::Table =
        text.parse()
            .map_err(|error: toml::de::Error| SettingsError::Toml {
                file: name.to_owned(),
                problem: error.to_string(),
            })?;
    let mut values = Values::new();
    collect(name, "", &table, &mut values)?;
    Ok(values)
}

/// Walks the tables down to the keys we know.
fn collect(
    file: &str,
    prefix: &str,
    table: &toml::Table,
    values: &mut Values,
) -> Result<(), SettingsError> {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match (list::by_key(&key), value) {
            (Some(setting), _) => {
                let given = Given {
                    value: read_toml(value),
                    origin: format!("{file}: {key}"),
                };
                values.insert(setting.key, given);
            }
            (None, toml::Value::Table(inner)) if is_section(&key) => {
                collect(file, &key, inner, values)?
            }
            (None, _) => return Err(unknown_key(file, key)),
        }
    }
    Ok(())
}

/// Whether settings lie below this key.
fn is_section(key: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        setting
            .key
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn unknown_key(file: &str, key: String) -> SettingsError {
    let nearest = nearest(&key, SETTINGS.iter().map(|setting| setting.key)).to_owned();
    SettingsError::Unknown {
        origin: file.to_owned(),
        name: key,
        nearest,
    }
}

fn read_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::Array(entries) => Value::List(entries.iter().map(plain).collect()),
        toml::Value::Table(table) => Value::List(
            table
                .iter()
                .map(|(key, value)| format!("{key}={}", plain(value)))
                .collect(),
        ),
        other => Value::Text(plain(other)),
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(values: &Values, key: &str) -> String {
        match &values[key].value {
            Value::Text(text) => text.clone(),
            Value::List(entries) => entries.join("|"),
        }
    }

    fn sources() -> Sources {
        Sources {
            flags: vec![("listen", "flag:1".into())],
            variables: vec![
                ("PATH".into(), "/bin".into()),
                ("SEOGO_LISTEN".into(), "variable:1".into()),
                ("SEOGO_LOG".into(), "debug".into()),
            ],
            file: Some((
                "seogo.toml".into(),
                "listen = 'file:1'\nlog = 'trace'\nsettle_ms = 7".into(),
            )),
        }
    }

    #[test]
    fn flags_go_over_variables_over_the_file_over_defaults() {
        let values = sources().values().unwrap();
        assert_eq!(text_of(&values, "listen"), "flag:1");
        assert_eq!(text_of(&values, "log"), "debug");
        assert_eq!(text_of(&values, "settle_ms"), "7");
        assert_eq!(text_of(&values, "scan_interval_s"), "300");
        assert!(!values.contains_key("stt_endpoint"));
        assert_eq!(values["listen"].origin, "--listen");
        assert_eq!(values["settle_ms"].origin, "seogo.toml: settle_ms");
    }

    #[test]
    fn tables_and_lists_of_the_file_are_read() {
        let text = "[library]\nignore = ['*.{tmp,part}', 'x']\n[queue.concurrency]\nstt = 2\n";
        let sources = Sources {
            file: Some(("f".into(), text.into())),
            ..Sources::default()
        };
        let values = sources.values().unwrap();
        assert_eq!(text_of(&values, "library.ignore"), "*.{tmp,part}|x");
        assert_eq!(text_of(&values, "queue.concurrency"), "stt=2");
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_nearest_known_one() {
        let sources = Sources {
            file: Some(("seogo.toml".into(), "librari.ignore = 'x'".into())),
            ..Sources::default()
        };
        let message = sources.values().unwrap_err().to_string();
        assert!(
            message.contains("librari.ignore") || message.contains("librari"),
            "{message}"
        );
        let sources = Sources {
            file: Some(("seogo.toml".into(), "stt_endpont = 'x'".into())),
            ..Sources::default()
        };
        let message = sources.values().unwrap_err().to_string();
        assert!(
            message.contains("seogo.toml") && message.contains("stt_endpoint"),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_variable_is_answered_with_the_nearest_known_one() {
        let sources = Sources {
            variables: vec![("SEOGO_LISTN".into(), String::new())],
            ..Sources::default()
        };
        let message = sources.values().unwrap_err().to_string();
        assert!(
            message.contains("SEOGO_LISTN") && message.contains("SEOGO_LISTEN"),
            "{message}"
        );
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let sources = Sources {
            variables: vec![("SEOGO_LISTEN".into(), String::new())],
            ..Sources::default()
        };
        assert_eq!(
            text_of(&sources.values().unwrap(), "listen"),
            "127.0.0.1:8080"
        );
    }

    #[test]
    fn the_variables_of_the_tests_are_let_through() {
        let names = ["SEOGO_CONFIG", "SEOGO_BINARY", "SEOGO_TEST_POSTGRES_URL"];
        let variables = names.map(|name| (name.to_owned(), "x".to_owned())).into();
        assert!(
            Sources {
                variables,
                ..Sources::default()
            }
            .values()
            .is_ok()
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_named() {
        let sources = Sources {
            file: Some(("my.toml".into(), "listen = ".into())),
            ..Sources::default()
        };
        assert!(
            sources
                .values()
                .unwrap_err()
                .to_string()
                .contains("my.toml")
        );
    }
}
