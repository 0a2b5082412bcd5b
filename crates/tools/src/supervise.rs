//! Keeps one child of our own running: the speech service beside the server.
//!
//! A crash in the engine ends the child and nothing else; it is started again, later each time it fails soon.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fence::{self, Group};

/// A child that ran so long was well: the next wait is the first one again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Longest line of a child's log that is passed on, in bytes.
const LONGEST_LINE: u64 = 8 * 1024;

/// What is to be kept running.
#[derive(Clone, Debug)]
pub struct Supervise {
    /// Its name in the log.
    pub name: &'static str,
    /// The program: our own executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables beside those that it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Wait before the first new start; doubled every time.
    pub first_wait: Duration,
    /// Longest wait between two starts.
    pub longest_wait: Duration,
    /// Time it has to end by itself when it is asked to.
    pub grace: Duration,
}

impl Supervise {
    /// The usual waits: half a second, up to half a minute, ten seconds of grace.
    pub fn new(name: &'static str, program: PathBuf, args: Vec<OsString>) -> Self {
        Self {
            name,
            program,
            args,
            env: Vec::new(),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// How the child is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// Not started yet.
    Starting,
    /// It runs.
    Running {
        /// Its process id.
        pid: u32,
    },
    /// It ended or could not be started, and will be started again.
    Waiting {
        /// How often it was started anew so far.
        restarts: u32,
        /// How it ended, in words.
        reason: String,
    },
    /// It was stopped on purpose.
    Stopped,
}

/// A child under supervision. Dropping this stops nothing: cancel the token that was given.
#[derive(Debug)]
pub struct Supervised {
    state: watch::Receiver<ChildState>,
    task: JoinHandle<()>,
}

impl Supervised {
    /// Starts the child and keeps it running until `cancel` is cancelled. Needs a runtime.
    pub fn start(what: Supervise, cancel: CancellationToken) -> Self {
        let (sender, state) = watch::channel(ChildState::Starting);
        let task = tokio::spawn(keep_running(what, sender, cancel));
        Self { state, task }
    }

    /// How the child is, now and from now on.
    pub fn state(&self) -> watch::Receiver<ChildState> {
        self.state.clone()
    }

    /// Waits until the child has ended after the token was cancelled.
    pub async fn stopped(self) {
        // The task does not panic, and nothing aborts it.
        let _ = self.task.await;
    }
}

async fn keep_running(
    what: Supervise,
    state: watch::Sender<ChildState>,
    cancel: CancellationToken,
) {
    let (mut wait, mut restarts) = (what.first_wait, 0);
    while !cancel.is_cancelled() {
        let begun = Instant::now();
        let reason = match run_once(&what, &state, &cancel).await {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => break,
            Err(error) => format!("cannot be started: {error}"),
        };
        if begun.elapsed() >= WELL_AFTER {
            wait = what.first_wait;
        }
        restarts += 1;
        tracing::warn!(
            child = what.name,
            reason,
            restarts,
            "the child ended and is started again"
        );
        state.send_replace(ChildState::Waiting { restarts, reason });
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(what.longest_wait);
    }
    state.send_replace(ChildState::Stopped);
}

/// Runs the child until it ends (its status) or is to be stopped (`None`).
async fn run_once(
    what: &Supervise,
    state: &watch::Sender<ChildState>,
    cancel: &CancellationToken,
) -> io::Result<Option<ExitStatus>> {
    let mut child = fence::spawn(command(what)).await?;
    let mut group = Group::of(&child);
    state.send_replace(ChildState::Running {
        pid: child.id().unwrap_or(0),
    });
    let log = child
        .stderr
        .take()
        .map(|stderr| tokio::spawn(forward(what.name, stderr)));
    let ended = tokio::select! {
        status = child.wait() => Some(status?),
        () = cancel.cancelled() => None,
    };
    if ended.is_none() {
        end(&mut child, &group, what).await?;
    }
    group.end();
    if let Some(log) = log {
        // A process that has left the group may hold its stderr open for ever.
        let _ = tokio::time::timeout(what.grace, log).await;
    }
    Ok(ended)
}

/// Asks the child to end, and kills it when it does not.
async fn end(child: &mut Child, group: &Group, what: &Supervise) -> io::Result<()> {
    group.ask_to_end();
    if tokio::time::timeout(what.grace, child.wait())
        .await
        .is_err()
    {
        tracing::warn!(child = what.name, "the child does not end and is killed");
        child.kill().await?;
    }
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "our own executable, which needs the GPU's environment and no limits"
)]
fn command(what: &Supervise) -> Command {
    let mut command = Command::new(&what.program);
    command
        .args(&what.args)
        .envs(what.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    fence::die_with_parent(&mut command);
    command
}

/// Passes the child's log on, line by line.
async fn forward(name: &'static str, stderr: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reader).take(LONGEST_LINE);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(1..) => {
                let text = String::from_utf8_lossy(&line);
                tracing::info!(target: "child", child = name, "{}", text.trim_end());
            }
            _ => return,
        }
    }
}
