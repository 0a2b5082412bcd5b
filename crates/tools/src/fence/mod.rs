//! The one way to run a program: with limits on time, processor, memory and output, with no way to leave anything behind.
//!
//! A fenced program has its own process group, which is killed as a whole when its time is up, when the caller cancels or
//! drops the run, and (by the kernel) when Seogo itself dies. It sees an empty stdin and an environment of four variables.

mod limits;
mod outcome;
mod running;
mod spawner;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio_util::sync::CancellationToken;

pub use limits::Limits;
pub(crate) use limits::{MIB, die_with_parent};
pub(crate) use outcome::shortened;
pub(crate) use running::Group;
pub use running::Running;
pub(crate) use spawner::spawn;

use crate::ToolError;
use crate::programs;

/// Where programs are looked for, and what fenced programs get as `PATH`.
pub const PROGRAM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// Everything it wrote to stdout, at most [`Limits::output_bytes`].
    pub stdout: Vec<u8>,
    /// The beginning of what it wrote to stderr, trimmed.
    pub stderr: String,
    /// Exit code.
    pub status: i32,
}

impl Output {
    /// Stdout as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A program about to be run.
#[derive(Clone, Debug)]
pub struct Fence {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: PathBuf,
    limits: Limits,
}

impl Fence {
    /// A program by name (looked for in [`PROGRAM_PATH`]) or by absolute path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            dir: PathBuf::from("/tmp"),
            limits: Limits::default(),
        }
    }

    /// One argument. File names go through [`Fence::path`].
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Several arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// A file name as an argument: made absolute, so that `-rf.mp4` is never an option and `a:b` never a protocol.
    pub fn path(self, path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| Path::new("/").join(path));
        self.arg(absolute)
    }

    /// One more environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// The folder it runs in, which is also its `HOME` and `TMPDIR`; `/tmp` by default.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.dir = dir.to_owned();
        self
    }

    /// The limits; [`Limits::default`] where none are set.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Runs it to its end. A failing exit code is an error.
    pub async fn run(self, cancel: &CancellationToken) -> Result<Output, ToolError> {
        let program = self.name();
        let output = self.run_any(cancel).await?;
        if output.status == 0 {
            return Ok(output);
        }
        Err(ToolError::Failed {
            program,
            status: format!("exit code {}", output.status),
            stderr: output.stderr,
        })
    }

    /// Runs it to its end, whatever its exit code: some programs give useful output and still say that something is wrong.
    pub async fn run_any(self, cancel: &CancellationToken) -> Result<Output, ToolError> {
        self.run_telling(|_| {}, cancel).await
    }

    /// As [`Fence::run_any`]; `told` sees each piece of stdout as it comes.
    pub async fn run_telling(
        self,
        mut told: impl FnMut(&[u8]),
        cancel: &CancellationToken,
    ) -> Result<Output, ToolError> {
        let mut running = self.start(cancel).await?;
        let mut stdout = Vec::new();
        let mut block = vec![0; 64 * 1024];
        loop {
            match running.read(&mut block).await? {
                0 => break,
                n => {
                    running.moved();
                    told(&block[..n]);
                    stdout.extend_from_slice(&block[..n]);
                }
            }
        }
        let (status, stderr) = running.finish().await?;
        Ok(Output {
            stdout,
            stderr,
            status,
        })
    }

    /// Starts it and hands out its stdout as it comes.
    pub async fn start(self, cancel: &CancellationToken) -> Result<Running, ToolError> {
        let program = self.name();
        let limits = self.limits;
        let child = spawner::spawn(self.command())
            .await
            .map_err(|error| start_error(&program, error))?;
        Ok(Running::new(program, child, limits, cancel.clone()))
    }

    fn name(&self) -> String {
        let name = Path::new(&self.program).file_name();
        name.unwrap_or(&self.program).to_string_lossy().into_owned()
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the fence is the one place that starts processes"
    )]
    fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", PROGRAM_PATH)
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.dir)
            .env("TMPDIR", &self.dir)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        limits::enforce(&mut command, self.limits);
        command
    }
}

fn start_error(program: &str, error: std::io::Error) -> ToolError {
    if error.kind() == std::io::ErrorKind::NotFound {
        return programs::missing(program);
    }
    ToolError::Io {
        what: format!("cannot start {program}"),
        source: error,
    }
}
