//! A throw-away PostgreSQL server for tests and benchmarks.
//!
//! The cluster lives in a temporary folder, listens on a free port of 127.0.0.1 and on a socket inside that folder, trusts every
//! local connection, and is stopped and removed with the value (short of `kill -9` of this program).

#![allow(
    clippy::disallowed_methods,
    reason = "never shipped: runs initdb and pg_ctl, and reads PATH"
)]

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// Where Debian and Ubuntu keep the server's programs, one folder per version.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
/// Another process may take the port between our look and the server's start.
const START_TRIES: usize = 3;

/// Settings for tests that never look at a server after its crash: durability is of no use to them, and every one may hold a
/// pool of connections.
pub const FAST: &str =
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300";
/// Settings of a server whose commits outlive its crash (not that of the machine).
pub const FAITHFUL: &str = "-c fsync=off -c full_page_writes=off";

/// A running server; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: TempDir,
    user: Option<User>,
    port: u16,
    settings: String,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As an administrator does: connections are ended, everything is written.
    Fast,
    /// As in a crash: the next start recovers.
    Immediate,
}

impl Server {
    /// Makes a cluster and starts it with these settings, as `postgres -c name=value …` takes them.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start; its log is in the message.
    pub fn start(settings: &str) -> Result<Self> {
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
            settings: settings.to_owned(),
        };
        server.init()?;
        server.start_on_free_port()?;
        Ok(server)
    }

    /// Address of its database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it; the address stays its own.
    ///
    /// # Errors
    /// It does not stop.
    pub fn stop(&self, how: Stop) -> Result<()> {
        let mode = match how {
            Stop::Fast => "--mode=fast",
            Stop::Immediate => "--mode=immediate",
        };
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--wait", "--silent", mode, "-D"])
            .arg(self.cluster());
        run_quietly(stop).context("PostgreSQL does not stop")
    }

    /// Starts it again at the same address.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&self) -> Result<()> {
        run_quietly(self.start_command()).with_context(|| self.complaint())
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
        last.with_context(|| self.complaint())
    }

    fn complaint(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        format!("PostgreSQL does not start; its log:\n{log}")
    }

    fn start_command(&self) -> Command {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 {}",
            self.port,
            self.folder.path().display(),
            self.settings
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
        if !self.cluster().join("postmaster.pid").exists() {
            return;
        }
        if let Err(error) = self.stop(Stop::Immediate) {
            eprintln!("{error:#}");
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
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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
    fn a_stopped_server_starts_again_at_its_address() {
        let server = Server::start(FAITHFUL).unwrap();
        let answers = || {
            let mut ask = server.command("psql");
            ask.args(["--command", "SELECT 1", &server.url()]);
            run_quietly(ask).is_ok()
        };
        assert!(answers());
        for how in [Stop::Fast, Stop::Immediate] {
            server.stop(how).unwrap();
            assert!(!answers(), "{how:?}");
            server.start_again().unwrap();
            assert!(answers(), "{how:?}");
        }
    }
}
