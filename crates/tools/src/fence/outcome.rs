//! From an exit status to an exit code, or to the reason why there is none.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::Limits;
use super::limits::MIB;
use crate::ToolError;

/// Longest piece of stderr in an error message, in characters.
const MESSAGE_CHARS: usize = 300;

/// What programs say when they cannot get memory.
const MEMORY_WORDS: [&str; 7] = [
    "cannot allocate memory",
    "out of memory",
    "memory exhausted",
    "bad_alloc",
    "memory allocation of",
    "failed to allocate",
    "could not allocate",
];

/// The exit code; an error where a signal or a limit ended the program.
pub(super) fn exit_code(
    program: &str,
    status: ExitStatus,
    stderr: &str,
    limits: Limits,
) -> Result<i32, ToolError> {
    let program = program.to_owned();
    if !status.success() && speaks_of_memory(stderr) {
        return Err(ToolError::OutOfMemory {
            program,
            limit_mib: limits.memory_bytes / MIB,
        });
    }
    match status.code() {
        Some(code) => Ok(code),
        None => Err(by_signal(
            program,
            status.signal().unwrap_or(0),
            stderr,
            limits,
        )),
    }
}

fn by_signal(program: String, signal: i32, stderr: &str, limits: Limits) -> ToolError {
    if signal == Signal::XCPU.as_raw() {
        let limit = format!("{} s", limits.cpu_s.unwrap_or(0));
        return ToolError::TimedOut {
            program,
            after: format!("{limit} of processor time"),
            allowed: limit,
        };
    }
    if signal == Signal::XFSZ.as_raw() {
        let limit_mib = limits.file_bytes / MIB;
        return ToolError::OutputTooLarge { program, limit_mib };
    }
    let limit_mib = limits.memory_bytes / MIB;
    if signal == Signal::KILL.as_raw() || signal == Signal::TERM.as_raw() {
        return ToolError::Killed { program, limit_mib };
    }
    ToolError::Crashed {
        program,
        signal,
        limit_mib,
        stderr: shortened(stderr),
    }
}

fn speaks_of_memory(stderr: &str) -> bool {
    let lower = stderr.to_lowercase();
    MEMORY_WORDS.iter().any(|words| lower.contains(words))
}

/// At most [`MESSAGE_CHARS`] characters of what a program said, as one line.
pub(crate) fn shortened(stderr: &str) -> String {
    let line = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MESSAGE_CHARS).collect()
}
