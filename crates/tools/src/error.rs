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
    #[error("{program} took longer than {limit_s} s and was stopped")]
    TimedOut {
        /// Name of the program.
        program: String,
        /// The limit, in seconds.
        limit_s: u64,
    },
    /// The caller asked to stop.
    #[error("{program} was stopped before it was done")]
    Cancelled {
        /// Name of the program.
        program: String,
    },
    /// Something outside Seogo killed the program.
    #[error(
        "{program} was killed from outside, perhaps because the machine ran out of memory; it will be tried again"
    )]
    Killed {
        /// Name of the program.
        program: String,
    },
    /// The memory limit was reached.
    #[error("{program} needed more than {limit_mib} MiB of memory for this file and was stopped")]
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
        retryable: bool,
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
            Self::Cancelled { .. } => "cancelled",
            Self::Killed { .. } => "killed",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::Failed { .. } => "tool_failed",
            Self::Io { .. } => "io",
            Self::BadInput { code, .. } | Self::Service { code, .. } => code,
        }
    }

    /// Whether the same call may succeed later without anyone doing anything. [`ToolError::Missing`] is not: it waits
    /// until somebody installs the program.
    pub fn retryable(&self) -> bool {
        match self {
            Self::TimedOut { .. }
            | Self::Cancelled { .. }
            | Self::Killed { .. }
            | Self::Io { .. } => true,
            Self::Service { retryable, .. } => *retryable,
            Self::Missing { .. }
            | Self::OutOfMemory { .. }
            | Self::OutputTooLarge { .. }
            | Self::Failed { .. }
            | Self::BadInput { .. } => false,
        }
    }
}
