//! Building the programs that measure, and running one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::plan::System;

const FOLDER: &str = "bench/queue";
/// In the virtual environment: the pinned versions that were installed last.
const STAMP: &str = ".installed";

/// Where each system's program is.
#[derive(Debug)]
pub struct Programs {
    /// Seogo's own; `None` when it is not asked for.
    seogo: Option<PathBuf>,
    folder: PathBuf,
}

/// Builds what is asked for, and installs what it needs beside it.
pub fn build(systems: &[System]) -> Result<Programs> {
    let folder = std::env::current_dir()?.join(FOLDER);
    ensure!(
        folder.is_dir(),
        "{} is not here: run this in the root of the checkout",
        folder.display()
    );
    let mut seogo = None;
    for system in systems {
        match system {
            System::Seogo => seogo = Some(build_seogo()?),
            System::Graphile | System::Bare => {
                build_peer(&folder.join("peers"), &system.to_string())?
            }
            System::PgBoss => install_node(&folder.join("pgboss"))?,
            System::Procrastinate => install_python(&folder.join("procrastinate"))?,
        }
    }
    Ok(Programs { seogo, folder })
}

fn build_seogo() -> Result<PathBuf> {
    let arguments = [
        "bench",
        "-p",
        "seogo-queue",
        "--bench",
        "queue",
        "--locked",
        "--no-run",
        "--message-format",
        "json",
    ];
    let output = Command::new("cargo")
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "cargo {} failed",
        arguments.join(" ")
    );
    executable(&String::from_utf8(output.stdout)?).context("cargo built no bench named queue")
}

/// The bench's path among cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| {
            message["target"]["name"] == "queue" && message["target"]["kind"][0] == "bench"
        })
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

fn build_peer(folder: &Path, name: &str) -> Result<()> {
    succeed(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "-p", name])
            .current_dir(folder),
    )
}

fn install_node(folder: &Path) -> Result<()> {
    if newer(
        &folder.join("node_modules/.package-lock.json"),
        &folder.join("package-lock.json"),
    ) {
        return Ok(());
    }
    succeed(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )
}

fn install_python(folder: &Path) -> Result<()> {
    let stamp = folder.join(".venv").join(STAMP);
    let wanted = folder.join("requirements.txt");
    if newer(&stamp, &wanted) {
        return Ok(());
    }
    succeed(
        Command::new("python3")
            .args(["-m", "venv", ".venv"])
            .current_dir(folder),
    )?;
    let pip = folder.join(".venv/bin/pip");
    succeed(
        Command::new(pip)
            .args(["install", "--quiet", "--requirement", "requirements.txt"])
            .current_dir(folder),
    )?;
    Ok(std::fs::copy(wanted, stamp).map(drop)?)
}

/// Whether `made` is there and no older than what it is made from.
fn newer(made: &Path, from: &Path) -> bool {
    let time = |path: &Path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    matches!((time(made), time(from)), (Some(made), Some(from)) if made >= from)
}

/// Runs the command with its output shown, as far as it goes to our own error output.
fn succeed(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}");
    let status = command
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    ensure!(status.success(), "{name} failed");
    Ok(())
}

impl Programs {
    /// Runs a system's program to its end and gives the lines it printed.
    pub async fn run(
        &self,
        system: System,
        arguments: &[String],
        patience: Duration,
    ) -> Result<Vec<Value>> {
        let mut command = self.command(system)?;
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let Ok(output) = tokio::time::timeout(patience, command.output()).await else {
            bail!("still not done after {patience:?}, stopped");
        };
        let output = output?;
        ensure!(output.status.success(), "{}", output.status);
        let lines = String::from_utf8(output.stdout)?;
        let read = |line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}"));
        lines
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(read)
            .collect()
    }

    fn command(&self, system: System) -> Result<tokio::process::Command> {
        let (program, script) = match system {
            System::Seogo => (
                self.seogo.clone().context("Seogo's bench is not built")?,
                None,
            ),
            System::Graphile | System::Bare => (
                self.folder.join("target/release").join(system.to_string()),
                None,
            ),
            // pg-boss asks for a later Node than building Seogo does: its own comes with it.
            System::PgBoss => (
                self.folder.join("pgboss/node_modules/.bin/node"),
                Some("pgboss/bench.js"),
            ),
            System::Procrastinate => (
                self.folder.join("procrastinate/.venv/bin/python"),
                Some("procrastinate/bench.py"),
            ),
        };
        let mut command = tokio::process::Command::new(program);
        command.args(script.map(|script| self.folder.join(script)));
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bench_is_found_among_the_messages() {
        let messages = concat!(
            r#"{"target":{"name":"queue","kind":["lib"]},"executable":null}"#,
            "\n",
            r#"{"target":{"name":"queue","kind":["bench"]},"executable":"/t/release/deps/queue-1"}"#,
            "\n",
            "not json\n",
        );
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/release/deps/queue-1"))
        );
    }
}
