//! The databases measured on: a durable PostgreSQL server, and SQLite files on the same disk.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pgserver::Server;

use super::plan::POSTGRESQL;

/// Nothing that a power cut could lose is ever reported as done.
const DURABLE: [(&str, &str); 3] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
];
/// Autovacuum is off so that fresh tables stay fresh and no round meets it by chance: the programs analyse the tables themselves
/// where they are told to.
const SETTINGS: &str = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c autovacuum=off \
    -c max_wal_size=4GB -c max_connections=200";
const NAME: &str = "bench";

/// Starts the server; refuses one that is faster than it is safe.
pub fn start() -> Result<Server> {
    let server = Server::start(SETTINGS)?;
    for (name, wanted) in DURABLE {
        let is = query(&server, &format!("SHOW {name}"))?;
        ensure!(
            is == wanted,
            "PostgreSQL has {name}={is}; the bench needs {wanted}"
        );
    }
    Ok(server)
}

/// An empty database of the kind, and its URL.
pub fn fresh(kind: &str, server: &Server, folder: &Path) -> Result<String> {
    if kind == POSTGRESQL {
        query(
            server,
            &format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"),
        )?;
        query(server, &format!("CREATE DATABASE {NAME}"))?;
        let url = server.url();
        let (host, _) = url
            .rsplit_once('/')
            .context("a server without a database")?;
        return Ok(format!("{host}/{NAME}"));
    }
    let file = folder.join(format!("{NAME}.db"));
    for suffix in ["", "-wal", "-shm"] {
        let path = folder.join(format!("{NAME}.db{suffix}"));
        if path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(format!("sqlite:{}", file.display()))
}

/// Runs one statement and gives its output, unaligned and without headings.
pub fn query(server: &Server, statement: &str) -> Result<String> {
    let output = Command::new("psql")
        .args([
            "-AtqX",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            &server.url(),
        ])
        .output()
        .context(
            "cannot run psql; install PostgreSQL's client: apt-get install postgresql-client",
        )?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{statement}: {}", error.trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
