//! The limits of a fenced program and how the kernel is told of them.

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit,
};
use tokio::process::Command;

use crate::budget::{Allowance, TimeBudget, Unit};

/// One MiB in bytes.
pub(crate) const MIB: u64 = 1024 * 1024;

/// File descriptors a fenced program may have open.
const OPEN_FILES: u64 = 256;

/// Time of a run whose caller sets none; work on files is given its own by [`ToolLimits`](crate::ToolLimits).
const UNMEASURED: TimeBudget = TimeBudget::whole(60, 0, Unit::Megabyte);

/// What one run of a program may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Time that Seogo waits for it. While Seogo is busy with what it has already given, the clock stands still.
    pub time: Allowance,
    /// Processor seconds over all its threads; `None` for as many as its time gives it.
    pub cpu_s: Option<u64>,
    /// Address space in bytes.
    pub memory_bytes: u64,
    /// Bytes it may write to stdout.
    pub output_bytes: u64,
    /// Bytes of the largest file it may write.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: UNMEASURED.allow(0.0),
            cpu_s: None,
            memory_bytes: 1024 * MIB,
            output_bytes: 64 * MIB,
            file_bytes: 64 * MIB,
        }
    }
}

impl Limits {
    /// These limits with so many MiB of address space.
    pub const fn memory_mib(self, mib: u64) -> Self {
        Self {
            memory_bytes: mib * MIB,
            ..self
        }
    }

    fn resources(self) -> [(Resource, Option<u64>); 5] {
        [
            (Resource::Cpu, self.cpu_s),
            (Resource::As, Some(self.memory_bytes)),
            (Resource::Fsize, Some(self.file_bytes)),
            (Resource::Nofile, Some(OPEN_FILES)),
            (Resource::Core, Some(0)),
        ]
    }
}

/// Makes the child take the limits on before it becomes the program.
pub(super) fn enforce(command: &mut Command, limits: Limits) {
    let resources = limits.resources();
    before_exec(command, move || {
        for (resource, most) in resources {
            let limit = Rlimit {
                current: most,
                // One more at the top: at the lower limit of processor time the signal is SIGXCPU, which tells why.
                maximum: most.map(|most| most.saturating_add(1)),
            };
            setrlimit(resource, limit)?;
        }
        Ok(())
    });
}

/// Makes the kernel kill the child when Seogo dies, and sets no limits: for our own long-running children.
pub(crate) fn die_with_parent(command: &mut Command) {
    before_exec(command, || Ok(()));
}

/// Makes the kernel kill the child when the thread that started it ends, and runs `prepare` in the child.
///
/// `prepare` runs between fork and exec: it may do nothing but system calls.
fn before_exec(
    command: &mut Command,
    prepare: impl Fn() -> rustix::io::Result<()> + Send + Sync + 'static,
) {
    let parent = rustix::process::getpid();
    #[allow(
        unsafe_code,
        reason = "pre_exec is the only way to set limits on the child alone"
    )]
    // SAFETY: between fork and exec only async-signal-safe work is allowed. The closure makes plain system calls through
    // rustix (setrlimit, prctl, getppid), allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            refuse_orphans(parent)?;
            prepare()?;
            Ok(())
        });
    }
}

/// When the parent died before the death signal was set, nobody would ever stop the child.
fn refuse_orphans(parent: Pid) -> std::io::Result<()> {
    match getppid() {
        Some(pid) if pid == parent => Ok(()),
        _ => Err(rustix::io::Errno::CHILD.into()),
    }
}
