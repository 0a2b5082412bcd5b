//! Holds the structure of the workspace: which crate may use which, and who may touch what.
//!
//! The compiler keeps types apart; this keeps the parts apart. Each breach is reported with the rule and the way out.

mod arrows;
mod sources;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Checks everything and reports every breach at once.
pub fn run() -> Result<ExitCode> {
    let packages = workspace_packages()?;
    let mut breaches = Vec::new();
    for package in &packages {
        breaches.extend(arrows::breaches(package));
        breaches.extend(sources::breaches(&package.name, &package.root)?);
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    if breaches.is_empty() {
        println!(
            "tidy: {} crates, every arrow as it should be",
            packages.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// One crate of the workspace, its name without the `seogo-` in front.
#[derive(Clone, Debug)]
struct Package {
    name: String,
    root: std::path::PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug)]
struct Dependency {
    name: String,
    /// Used by tests and examples only.
    dev: bool,
}

fn workspace_packages() -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .output()?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    packages_of(&serde_json::from_slice(&output.stdout)?)
}

fn packages_of(metadata: &Value) -> Result<Vec<Package>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")?;
    packages.iter().map(package_of).collect()
}

fn package_of(value: &Value) -> Result<Package> {
    let manifest = Path::new(text(&value["manifest_path"])?);
    let dependencies = value["dependencies"]
        .as_array()
        .context("a package without dependencies")?;
    Ok(Package {
        name: short_name(text(&value["name"])?),
        root: manifest
            .parent()
            .context("a manifest without folder")?
            .to_owned(),
        dependencies: dependencies
            .iter()
            .map(dependency_of)
            .collect::<Result<_>>()?,
    })
}

fn dependency_of(value: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: short_name(text(&value["name"])?),
        dev: value["kind"] == "dev",
    })
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .context("cargo metadata has another shape than expected")
}

fn short_name(name: &str) -> String {
    name.strip_prefix("seogo-").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_packages_with_short_names() {
        let metadata = serde_json::json!({"packages": [{
            "name": "seogo-store",
            "manifest_path": "/somewhere/crates/store/Cargo.toml",
            "dependencies": [{"name": "seogo-model", "kind": null}, {"name": "seogo-testkit", "kind": "dev"}],
        }]});
        let packages = packages_of(&metadata).unwrap();
        assert_eq!(packages[0].name, "store");
        assert_eq!(packages[0].root, Path::new("/somewhere/crates/store"));
        assert_eq!(packages[0].dependencies[0].name, "model");
        assert!(packages[0].dependencies[1].dev);
    }
}
