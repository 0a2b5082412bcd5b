//! A supervised child is started anew and stopped for good.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tools::{ChildState, Supervise, Supervised};

fn shell(script: &str) -> Supervise {
    let mut what = Supervise::new("test", "/bin/sh".into(), vec!["-c".into(), script.into()]);
    what.first_wait = Duration::from_millis(1);
    what.grace = Duration::from_millis(300);
    what
}

async fn until(child: &Supervised, wanted: impl FnMut(&ChildState) -> bool) -> ChildState {
    let mut state = child.state();
    let seen = tokio::time::timeout(Duration::from_secs(10), state.wait_for(wanted)).await;
    seen.expect("the state comes").unwrap().clone()
}

fn is_running(state: &ChildState) -> bool {
    matches!(state, ChildState::Running { .. })
}

#[tokio::test]
async fn a_child_that_dies_is_started_again() {
    let cancel = CancellationToken::new();
    let child = Supervised::start(shell("exit 7"), cancel.clone());
    let state = until(&child, |s| {
        matches!(s, ChildState::Waiting { restarts: 3, .. })
    })
    .await;
    let ChildState::Waiting { reason, .. } = state else {
        panic!("{state:?}");
    };
    assert!(reason.contains('7'), "{reason}");
    cancel.cancel();
    let state = child.state();
    child.stopped().await;
    assert_eq!(*state.borrow(), ChildState::Stopped);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let cancel = CancellationToken::new();
    let what = Supervise::new("test", "/no/such/program".into(), Vec::new());
    let child = Supervised::start(what, cancel.clone());
    let state = until(&child, |s| matches!(s, ChildState::Waiting { .. })).await;
    assert!(
        format!("{state:?}").contains("cannot be started"),
        "{state:?}"
    );
    cancel.cancel();
    child.stopped().await;
}

#[tokio::test]
async fn a_child_may_end_in_peace() {
    let dir = tempfile::tempdir().unwrap();
    let (ready, farewell) = (dir.path().join("ready"), dir.path().join("farewell"));
    let script = format!(
        "trap 'echo bye >{}; exit 0' TERM; mkfifo {fifo}; : >{fifo}; while :; do sleep 0.01; done",
        farewell.display(),
        fifo = ready.display()
    );
    let cancel = CancellationToken::new();
    let mut what = shell(&script);
    what.grace = Duration::from_secs(10);
    let child = Supervised::start(what, cancel.clone());
    until(&child, is_running).await;
    // Opening the pipe returns when the child, its trap set, opens it too.
    let wait = "until [ -p \"$1\" ]; do :; done; cat \"$1\"";
    let fence = tools::Fence::new("sh")
        .args(["-c", wait, "sh"])
        .path(&ready);
    fence.run(&CancellationToken::new()).await.unwrap();
    cancel.cancel();
    child.stopped().await;
    assert_eq!(std::fs::read_to_string(farewell).unwrap(), "bye\n");
}

#[tokio::test]
async fn a_stubborn_child_is_killed() {
    let cancel = CancellationToken::new();
    let child = Supervised::start(
        shell("trap '' TERM; while :; do sleep 1; done"),
        cancel.clone(),
    );
    until(&child, is_running).await;
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(10), child.stopped())
        .await
        .expect("it is killed after its grace");
}
