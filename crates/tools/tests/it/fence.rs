//! Nothing gets out of the fence, and nothing stays behind.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tools::{Again, Fence, Limits, TimeBudget, ToolError, Unit};

use crate::support::code;

fn shell(script: &str) -> Fence {
    Fence::new("sh").args(["-c", script])
}

async fn run(fence: Fence) -> Result<tools::Output, ToolError> {
    fence.run(&CancellationToken::new()).await
}

#[tokio::test]
async fn output_and_exit_code_come_back() {
    let output = run(shell("echo out; echo err >&2")).await.unwrap();
    assert_eq!(output.text(), "out\n");
    assert_eq!(output.stderr, "err");
    let error = run(shell("echo the reason >&2; exit 3")).await.unwrap_err();
    assert_eq!(error.to_string(), "sh failed (exit code 3): the reason");
    assert!(!error.retryable());
}

#[tokio::test]
async fn the_environment_and_stdin_are_bare() {
    let output = run(shell("env | cut -d= -f1 | sort | tr '\\n' ' '; cat"))
        .await
        .unwrap();
    let names = output.text();
    let mut names = names.split_whitespace().collect::<Vec<_>>();
    names.retain(|name| !["_", "PWD", "SHLVL", "OLDPWD"].contains(name));
    assert_eq!(names, ["HOME", "LANG", "PATH", "TMPDIR"]);
}

#[tokio::test]
async fn a_file_name_is_never_an_option() {
    let output = run(Fence::new("echo").path(Path::new("-n"))).await.unwrap();
    assert!(output.text().starts_with('/'), "{}", output.text());
}

#[tokio::test]
async fn a_missing_program_says_how_to_get_it() {
    assert_eq!(
        code(run(Fence::new("no-such-program-here")).await),
        "program_missing"
    );
}

#[tokio::test]
async fn time_is_limited_and_the_whole_group_dies() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    let budget = TimeBudget::whole(0, 250, Unit::Page);
    let fence = shell(FAMILY).dir(dir.path()).limits(limits(budget, 2.0));
    let (result, ()) = tokio::join!(run(fence), life.begins());
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.again()), ("timed_out", Again::No));
    assert!(
        error.to_string().starts_with(
            "sh was stopped after 0.5 s: allowed are 0 s + 0.25 s for each of 2 pages."
        ),
        "{error}"
    );
    life.ends().await;
}

#[tokio::test]
async fn what_stands_still_is_stopped_with_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    let budget = TimeBudget::still(0, 500, Unit::Page);
    let fence = shell(FAMILY).dir(dir.path()).limits(limits(budget, 1.0));
    let (result, ()) = tokio::join!(run(fence), life.begins());
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.again()), ("stalled", Again::Once));
    assert!(
        error
            .to_string()
            .contains("did not get on for 0.5 s: allowed are 0 s + 0.5 s for 1 page"),
        "{error}"
    );
    life.ends().await;
}

/// Its program runs on for ever, and so do two generations below, one deaf to being asked. All three hold `life`.
const FAMILY: &str =
    "exec 9>life; (trap '' TERM; sleep 300 & wait; sleep 300) & echo alive >&9; wait";

/// Nothing but a limit on time.
fn limits(budget: TimeBudget, units: f64) -> Limits {
    Limits {
        time: budget.allow(units),
        ..Limits::default()
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    // The rest of the family holds stdout and stderr open, which keeps nobody waiting.
    let fence = shell("exec 9>life; sleep 300 & echo alive | tee /dev/fd/9").dir(dir.path());
    let (output, ()) = tokio::join!(run(fence), life.begins());
    assert_eq!(output.unwrap().text(), "alive\n");
    life.ends().await;
}

#[tokio::test]
async fn a_killed_or_crashed_program_is_named_with_its_memory() {
    for (signal, expected) in [("KILL", "killed"), ("SEGV", "crashed"), ("ABRT", "crashed")] {
        let fence = shell(&format!("kill -{signal} $$")).limits(Limits::default().memory_mib(777));
        let error = run(fence).await.unwrap_err();
        assert_eq!((error.code(), error.again()), (expected, Again::Once));
        assert!(error.to_string().contains("777 MiB"), "{error}");
    }
}

#[tokio::test]
async fn cancelling_stops_it_with_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    let cancel = CancellationToken::new();
    let run = shell(FAMILY).dir(dir.path()).run(&cancel);
    let (result, ()) = tokio::join!(run, async {
        life.begins().await;
        cancel.cancel();
    });
    assert_eq!(code(result), "cancelled");
    life.ends().await;
}

#[tokio::test]
async fn output_is_bounded() {
    let limits = Limits {
        output_bytes: 100_000,
        ..Limits::default()
    };
    assert_eq!(
        code(run(Fence::new("yes").limits(limits)).await),
        "output_too_large"
    );
}

#[tokio::test]
async fn stderr_never_blocks_a_program() {
    let output = run(shell("yes | head -c 3000000 >&2; echo done"))
        .await
        .unwrap();
    assert_eq!(output.text(), "done\n");
    assert!(output.stderr.len() <= 16 * 1024);
}

#[tokio::test]
async fn memory_is_bounded() {
    let fence = Fence::new("dd")
        .args(["if=/dev/zero", "of=/dev/null", "bs=512M", "count=1"])
        .limits(Limits::default().memory_mib(64));
    assert_eq!(code(run(fence).await), "out_of_memory");
}

#[tokio::test]
async fn files_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits {
        file_bytes: 1 << 20,
        ..Limits::default()
    };
    let fence = Fence::new("dd")
        .args(["if=/dev/zero", "of=big", "bs=1M", "count=8"])
        .dir(dir.path())
        .limits(limits);
    assert_eq!(code(run(fence).await), "output_too_large");
    let written = std::fs::metadata(dir.path().join("big")).unwrap().len();
    assert!(written <= (1 << 20) + 1, "{written}");
}

#[tokio::test]
async fn processor_time_is_bounded() {
    let limits = Limits {
        cpu_s: Some(1),
        ..Limits::default()
    };
    let error = run(shell("while :; do :; done").limits(limits))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "timed_out");
    assert!(
        error.to_string().contains("1 s of processor time"),
        "{error}"
    );
}

#[tokio::test]
async fn dropping_the_run_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    let fence = shell(FAMILY).dir(dir.path());
    let running = fence.start(&CancellationToken::new()).await.unwrap();
    life.begins().await;
    drop(running);
    life.ends().await;
}

#[tokio::test]
async fn nothing_outlives_a_server_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut life = Life::new(dir.path()).await;
    let mut server = start_helper(dir.path());
    life.begins().await;
    server.kill().unwrap();
    server.wait().unwrap();
    life.ends().await;
}

/// Not a test of its own: the server of [`nothing_outlives_a_server_that_is_killed`], in a process of its own.
#[tokio::test]
#[ignore = "started by another test"]
async fn helper_that_waits_for_a_child() {
    let dir = std::env::current_dir().unwrap();
    let _ = run(shell("exec 9>life; echo alive >&9; exec sleep 300").dir(&dir)).await;
}

#[allow(
    clippy::disallowed_methods,
    reason = "stands for a server, which no fence surrounds"
)]
fn start_helper(dir: &Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "fence::helper_that_waits_for_a_child",
        ])
        .current_dir(dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Watches processes through a named pipe `life`: the kernel tells its end when the last process that holds it is gone.
struct Life(tools::Running);

impl Life {
    async fn new(dir: &Path) -> Self {
        run(Fence::new("mkfifo").arg("life").dir(dir))
            .await
            .unwrap();
        let watch = Fence::new("cat").path(&dir.join("life"));
        Self(watch.start(&CancellationToken::new()).await.unwrap())
    }

    async fn begins(&mut self) {
        assert_eq!(self.0.read(&mut [0; 32]).await.unwrap(), "alive\n".len());
    }

    async fn ends(&mut self) {
        let mut rest = [0; 32];
        let end = tokio::time::timeout(Duration::from_secs(10), self.0.read(&mut rest));
        assert_eq!(end.await.expect("a process is still alive").unwrap(), 0);
    }
}
