//! A fenced program while it runs.

use std::future::Future;
use std::pin::pin;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::MIB;
use super::{Limits, outcome};
use crate::ToolError;
use crate::budget::{Clock, Watch, seconds};

/// How much of stderr is kept, in bytes; the rest is read and thrown away.
const STDERR_BYTES: usize = 16 * 1024;

/// A program that runs inside the fence. Dropping it kills the program with everything it started.
#[derive(Debug)]
pub struct Running {
    program: String,
    group: Group,
    child: Child,
    status: Option<ExitStatus>,
    stdout: Option<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
    limits: Limits,
    watch: Watch,
    cancel: CancellationToken,
    read: u64,
}

impl Running {
    pub(super) fn new(
        program: String,
        mut child: Child,
        limits: Limits,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            program,
            group: Group::of(&child),
            stdout: child.stdout.take(),
            stderr: Some(tokio::spawn(read_stderr(child.stderr.take()))),
            child,
            status: None,
            limits,
            watch: Watch::new(limits.time),
            cancel,
            read: 0,
        }
    }

    /// The next bytes of stdout; 0 at the end.
    pub async fn read(&mut self, block: &mut [u8]) -> Result<usize, ToolError> {
        let Some(mut stdout) = self.stdout.take() else {
            return Ok(0);
        };
        let n = self
            .wait_for(stdout.read(block))
            .await?
            .map_err(|source| ToolError::Io {
                what: format!("cannot read from {}", self.program),
                source,
            })?;
        self.stdout = Some(stdout);
        self.read += n as u64;
        if self.read > self.limits.output_bytes {
            return Err(ToolError::OutputTooLarge {
                program: self.program.clone(),
                limit_mib: self.limits.output_bytes / MIB,
            });
        }
        Ok(n)
    }

    /// Tells that the work got on, which is life where only standing still is limited ([`Clock::Still`]).
    pub fn moved(&mut self) {
        self.watch.moved();
    }

    /// Waits for its end: exit code and stderr. What is left of stdout is not read.
    pub async fn finish(mut self) -> Result<(i32, String), ToolError> {
        drop(self.stdout.take());
        let status = self.wait_for_exit().await?;
        let stderr = match self.stderr.take() {
            Some(reader) => self.wait_for(reader).await?.unwrap_or_default(),
            None => String::new(),
        };
        outcome::exit_code(&self.program, status, &stderr, self.limits).map(|code| (code, stderr))
    }

    async fn wait_for_exit(&mut self) -> Result<ExitStatus, ToolError> {
        loop {
            if let Some(status) = self.status {
                return Ok(status);
            }
            self.wait_for_either(std::future::pending::<()>()).await?;
        }
    }

    /// Waits for `work` within what is left of the time.
    async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, ToolError> {
        let mut work = pin!(work);
        loop {
            if let Some(result) = self.wait_for_either(work.as_mut()).await? {
                return Ok(result);
            }
        }
    }

    /// Waits for `work`, or (`None`) for the end of the program, which is noticed once.
    ///
    /// What the program has started and left behind ends with it: it would hold the pipes open, or go on for ever.
    async fn wait_for_either<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, ToolError> {
        let begun = Instant::now();
        let result = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(self.cancelled()),
            status = self.child.wait(), if self.status.is_none() => self.ended(status),
            result = work => Ok(Some(result)),
            () = tokio::time::sleep(self.watch.left()) => Err(self.out_of_time()),
        };
        self.watch.spend(begun.elapsed());
        result
    }

    fn ended<T>(&mut self, status: std::io::Result<ExitStatus>) -> Result<Option<T>, ToolError> {
        self.group.end();
        self.status = Some(status.map_err(|source| ToolError::Io {
            what: format!("cannot wait for {}", self.program),
            source,
        })?);
        Ok(None)
    }

    fn cancelled(&self) -> ToolError {
        ToolError::Cancelled {
            program: self.program.clone(),
        }
    }

    fn out_of_time(&self) -> ToolError {
        let allowance = self.watch.allowance();
        let (program, after) = (self.program.clone(), seconds(allowance.time()));
        let allowed = allowance.to_string();
        match allowance.clock() {
            Clock::Whole => ToolError::TimedOut {
                program,
                after,
                allowed,
            },
            Clock::Still => ToolError::Stalled {
                program,
                after,
                allowed,
            },
        }
    }
}

/// The beginning of stderr; reads to the end, so that the program never blocks on it.
async fn read_stderr(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let (mut kept, mut block) = (Vec::new(), vec![0; 8 * 1024]);
    while let Ok(n @ 1..) = stderr.read(&mut block).await {
        let room = STDERR_BYTES.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(&block[..room]);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// The child's process group; killed on drop.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group that the child leads.
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// The leader has been waited for a moment ago: kills what it left behind. Where it left anything the number is still the
    /// group's, and where it left nothing the kernel does not give it away again before all others have had their turn.
    pub(crate) fn end(&mut self) {
        self.kill();
        self.0 = None;
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // It may be gone already; there is nothing to do about any error.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Asks every process of the group to end.
    pub(crate) fn ask_to_end(&self) {
        if let Some(group) = self.0 {
            // It may be gone already; there is nothing to do about any error.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
