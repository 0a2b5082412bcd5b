//! A throw-away PostgreSQL server around one command.
//!
//! The cluster lives in a temporary folder, listens on a free port of 127.0.0.1 and on a socket inside that folder, trusts every
//! local connection, and is stopped and removed however the command ends (short of `kill -9` of this program).

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

/// The variable that tests read the server's address from.
const URL_VARIABLE: &str = "SEOGO_TEST_POSTGRES_URL";
/// Where Debian and Ubuntu keep the server's programs, one folder per version.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
/// Another process may take the port between our look and the server's start.
const START_TRIES: usize = 3;
/// Durability is of no use to tests, and every test may hold a pool of connections.
const SERVER_SETTINGS: &str =
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300";

/// Runs `program` beside a fresh server and passes its exit code on.
pub async fn run_with(program: &str, arguments: &[&str]) -> Result<ExitCode> {
    let server = Server::start()?;
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

/// A running server; dropping it stops it and removes its files.
struct Server {
    programs: PathBuf,
    folder: TempDir,
    user: Option<User>,
    port: u16,
}

impl Server {
    fn start() -> Result<Self> {
        let programs = find_programs()?;
        let user = User::for_server()?;
        let folder = tempfile::Builder::new().prefix("seogo-pg-").tempdir()?;
        // The server's user must get in; the cluster itself is closed to others by initdb.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        if let Some(user) = user {
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
        }
        let mut server = Self {
            programs,
            folder,
            user,
            port: 0,
        };
        server.init()?;
        server.start_on_free_port()?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn cluster(&self) -> PathBuf {
        self.folder.path().join("cluster")
    }

    fn init(&self) -> Result<()> {
        let mut initdb = self.command("initdb");
        initdb
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync", "--no-instructions", "-D"])
            .arg(self.cluster());
        run_quietly(initdb).context("initdb failed")
    }

    fn start_on_free_port(&mut self) -> Result<()> {
        let mut last = Ok(());
        for _ in 0..START_TRIES {
            self.port = free_port()?;
            last = run_quietly(self.start_command());
            if last.is_ok() {
                return Ok(());
            }
        }
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        last.with_context(|| format!("PostgreSQL does not start; its log:\n{log}"))
    }

    fn start_command(&self) -> Command {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 {SERVER_SETTINGS}",
            self.port,
            self.folder.path().display()
        );
        let mut start = self.command("pg_ctl");
        start
            .args(["start", "--wait", "--silent", "-D"])
            .arg(self.cluster())
            .arg("-l")
            .arg(self.log())
            .args(["-o", &options]);
        start
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// One of the server's programs, as the server's user.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--wait", "--silent", "--mode=immediate", "-D"])
            .arg(self.cluster());
        if let Err(error) = run_quietly(stop) {
            eprintln!("xtask: PostgreSQL does not stop: {error:#}");
        }
    }
}

/// Whom the server runs as, when we are root (it refuses root).
#[derive(Clone, Copy, Debug, PartialEq)]
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// `None` when we are not root and the server can run as we do.
    fn for_server() -> Result<Option<Self>> {
        if id(&["-u"])? != 0 {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let (Ok(uid), Ok(gid)) = (id(&["-u", name]), id(&["-g", name])) {
                return Ok(Some(Self { uid, gid }));
            }
        }
        bail!(
            "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as"
        )
    }
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output()?;
    ensure!(output.status.success(), "id {} failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The folder with initdb and pg_ctl: the newest of Debian's versions, else wherever PATH has them.
fn find_programs() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian_folders(Path::new(DEBIAN_ROOT))
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .context("no initdb found; install PostgreSQL: apt-get install postgresql")
}

/// `root/VERSION/bin`, newest version first.
fn debian_folders(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<u32> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .into_iter()
        .map(|version| root.join(version.to_string()).join("bin"))
        .collect()
}

/// Runs the command without a word, unless it fails: then its error output is the error.
///
/// The output goes to a file, not a pipe: the server inherits it and would keep a pipe open for ever.
fn run_quietly(mut command: Command) -> Result<()> {
    let output = tempfile::tempfile()?;
    let status = command
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if status.success() {
        return Ok(());
    }
    bail!("{}: {}", status, read_from_start(output)?)
}

fn read_from_start(mut file: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "common"] {
            std::fs::create_dir(root.path().join(version)).unwrap();
        }
        let found = debian_folders(root.path());
        let expected: Vec<_> = ["17", "15", "9"]
            .map(|v| root.path().join(v).join("bin"))
            .into();
        assert_eq!(found, expected);
    }

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
