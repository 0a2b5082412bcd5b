//! A throw-away PostgreSQL server around one command; it is stopped and removed however the command ends (short of `kill -9` of
//! this program).

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};
use pgserver::Server;
use tokio::signal::unix::{SignalKind, signal};

/// The variable that tests read the server's address from.
const URL_VARIABLE: &str = "SEOGO_TEST_POSTGRES_URL";

/// Runs `program` beside a fresh server and passes its exit code on.
pub async fn run_with(program: &str, arguments: &[&str]) -> Result<ExitCode> {
    let server = Server::start(pgserver::FAST)?;
    let outcome = run_command(program, arguments, &server.url()).await;
    drop(server);
    outcome
}

/// Runs the command to its end; a signal to us ends it too, so that the server is still stopped and removed.
async fn run_command(program: &str, arguments: &[&str], url: &str) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env(URL_VARIABLE, url)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    tokio::select! {
        status = child.wait() => return Ok(exit_code(status?)),
        // The terminal sends Ctrl-C to the child as well: let it end in its own way.
        _ = interrupt.recv() => drop(child.wait().await),
        _ = terminate.recv() => child.kill().await?,
    }
    Ok(ExitCode::from(130))
}

/// The code a shell would give: the command's own, or 128 + the signal that killed it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|number| 128 + number))
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), ExitCode::from(7));
        assert_eq!(exit_code(ExitStatus::from_raw(9)), ExitCode::from(137));
    }

    #[tokio::test]
    async fn the_command_sees_a_server_and_its_files_are_gone_afterwards() {
        let note = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "psql -Atc 'SHOW data_directory' \"$SEOGO_TEST_POSTGRES_URL\" > {} && exit 3",
            note.path().display()
        );
        let code = run_with("sh", &["-c", &script]).await.unwrap();
        assert_eq!(code, ExitCode::from(3));
        let cluster = std::fs::read_to_string(note.path()).unwrap();
        assert!(cluster.trim().ends_with("/cluster"), "{cluster:?}");
        assert!(
            !Path::new(cluster.trim()).exists(),
            "{cluster} is left behind"
        );
    }
}
