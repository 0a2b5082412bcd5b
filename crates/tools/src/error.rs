//! What can go wrong with an outside program or service, in words a person can act on.

use std::io;
use std::path::Path;

/// Why a tool gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The program is not on this machine.
    #[error("{program} is not installed. To mend it: {mend}")]
    Missing {
        /// Name of the program.
        program: String,
        /// The command that installs it.
        mend: String,
    },
    /// The time limit was reached.
    #[error(
        "{program} was stopped after {after}: allowed are {allowed}. The file is kept. Look whether it opens elsewhere; where the machine was just busy, retry it later"
    )]
    TimedOut {
        /// Name of the program.
        program: String,
        /// How long it ran, such as `312 s`.
        after: String,
        /// How that came about, such as `60 s + 2 s for each of 126 pages`.
        allowed: String,
    },
    /// It ran, but did not get on.
    #[error(
        "{program} was stopped because it did not get on for {after}: allowed are {allowed}. Look whether the disk of this file answers, then retry it"
    )]
    Stalled {
        /// Name of the program.
        program: String,
        /// How long nothing moved, such as `75 s`.
        after: String,
        /// How that came about.
        allowed: String,
    },
    /// The caller asked to stop.
    #[error("{program} was stopped before it was done")]
    Cancelled {
        /// Name of the program.
        program: String,
    },
    /// Something outside Seogo killed the program.
    #[error(
        "{program} was killed from outside, most likely because the machine ran out of memory ({program} may use {limit_mib} MiB). Give the machine more memory or let it do less at once (queue.concurrency), then retry it"
    )]
    Killed {
        /// Name of the program.
        program: String,
        /// Its limit of memory, in MiB.
        limit_mib: u64,
    },
    /// The program crashed.
    #[error(
        "{program} crashed (signal {signal}) on this file, or for want of memory (it may use {limit_mib} MiB). Look whether the file opens elsewhere. {stderr}"
    )]
    Crashed {
        /// Name of the program.
        program: String,
        /// Number of the signal that ended it.
        signal: i32,
        /// Its limit of memory, in MiB.
        limit_mib: u64,
        /// What it said, shortened.
        stderr: String,
    },
    /// The memory limit was reached.
    #[error(
        "{program} had not enough memory for this file and was stopped: it may use {limit_mib} MiB, or the machine had less. The file is kept"
    )]
    OutOfMemory {
        /// Name of the program.
        program: String,
        /// The limit, in MiB.
        limit_mib: u64,
    },
    /// The program wrote more than it may.
    #[error("{program} gave more than {limit_mib} MiB for this file and was stopped")]
    OutputTooLarge {
        /// Name of the program.
        program: String,
        /// The limit, in MiB.
        limit_mib: u64,
    },
    /// The program ended with a failure that has no better name.
    #[error("{program} failed ({status}): {stderr}")]
    Failed {
        /// Name of the program.
        program: String,
        /// Exit code or signal, in words.
        status: String,
        /// What it said, shortened.
        stderr: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system answered.
        source: io::Error,
    },
    /// The file itself is the reason.
    #[error("{message}")]
    BadInput {
        /// `encrypted`, `damaged`, `empty`, `binary`, `no_audio`, `no_video`, `too_large`, …
        code: &'static str,
        /// What is wrong with the file, and what can be done.
        message: String,
    },
    /// A service answered with an error, or not at all.
    #[error("{message}")]
    Service {
        /// `service_unavailable`, `no_model`, `no_audio`, …
        code: &'static str,
        /// What happened, and what can be done.
        message: String,
        /// Whether the same request may succeed later.
        again: Again,
    },
}

impl ToolError {
    /// The file is the reason: it will not get better by trying again.
    pub(crate) fn bad_input(code: &'static str, message: impl Into<String>) -> Self {
        Self::BadInput {
            code,
            message: message.into(),
        }
    }

    /// For `map_err` on file operations.
    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }

    /// Machine-readable cause.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "program_missing",
            Self::TimedOut { .. } => "timed_out",
            Self::Stalled { .. } => "stalled",
            Self::Cancelled { .. } => "cancelled",
            Self::Killed { .. } => "killed",
            Self::Crashed { .. } => "crashed",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::Failed { .. } => "tool_failed",
            Self::Io { .. } => "io",
            Self::BadInput { code, .. } | Self::Service { code, .. } => code,
        }
    }

    /// Whether the same call may succeed later without anyone doing anything. [`ToolError::Missing`] is not: it waits
    /// until somebody installs the program.
    pub fn again(&self) -> Again {
        match self {
            Self::Cancelled { .. } | Self::Io { .. } => Again::Yes,
            Self::Service { again, .. } => *again,
            Self::Stalled { .. }
            | Self::Killed { .. }
            | Self::Crashed { .. }
            | Self::OutOfMemory { .. } => Again::Once,
            // The limit grows with the work: what reaches it would reach it again, at the same cost.
            Self::TimedOut { .. }
            | Self::Missing { .. }
            | Self::OutputTooLarge { .. }
            | Self::Failed { .. }
            | Self::BadInput { .. } => Again::No,
        }
    }

    /// Whether trying again makes sense at all.
    pub fn retryable(&self) -> bool {
        self.again() != Again::No
    }
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It passes.
    Yes,
    /// Memory or a disk may have been short at that moment. The second time it is the file's fault.
    Once,
    /// It would come to the same.
    No,
}
