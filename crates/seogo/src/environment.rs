//! The one place that looks at the environment and the settings file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::cli::Invocation;
use crate::settings::list::{CONFIG_VARIABLE, VARIABLE_PREFIX};
use crate::settings::{Settings, Sources};

/// The settings file that is read where it exists, unless another one is named.
const DEFAULT_CONFIG: &str = "seogo.toml";

/// The settings in force for this invocation.
///
/// # Errors
/// A settings file that cannot be read, and whatever is wrong with a setting.
pub fn settings(invocation: &Invocation) -> Result<Settings> {
    let variables = variables()?;
    let named = variables
        .iter()
        .find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
    let config = invocation
        .config
        .clone()
        .or_else(|| named.map(|(_, path)| PathBuf::from(path)));
    let file = read_config(config.as_deref())?;
    Ok(Settings::from_sources(&Sources {
        flags: invocation.flags.clone(),
        variables,
        file,
    })?)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn variables() -> Result<Vec<(String, String)>> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
        .map(|(name, value)| {
            let value = value
                .into_string()
                .map_err(|_| anyhow!("{name} is not UTF-8 text"))?;
            Ok((name, value))
        })
        .collect()
}

/// Name and text of the file; a named one must exist.
fn read_config(named: Option<&Path>) -> Result<Option<(String, String)>> {
    let path = named.unwrap_or(Path::new(DEFAULT_CONFIG));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.display().to_string(), text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error)
            .with_context(|| format!("the settings file {} cannot be read", path.display())),
    }
}
