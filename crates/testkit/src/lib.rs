//! What tests share: databases of their own and the real binary.
//!
//! Everything here panics when it cannot do its job: a test without its database has failed, it is not skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "used by tests alone: reads the address of the test server, runs psql and the binary, fails loudly"
)]

mod postgres;
mod stores;
mod wire;

use std::path::Path;
use std::process::Command;

pub use pgserver;
pub use postgres::TestPostgres;
pub use stores::{
    TestStore, postgres_store, sqlite_store, sqlite_store_with, wired_postgres_store,
};
pub use wire::Wire;

/// A command for one of our own programs that sees nothing of the developer's settings: only `PATH`, and `folder` to stand in.
pub fn program(path: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(path.as_ref());
    command.env_clear().current_dir(folder);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}
