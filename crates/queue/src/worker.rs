//! One run: the work itself, with a net under it.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::ends::End;
use crate::{Job, Outcome, Stage, StageError};

/// Runs the stage. `kill` tells whether a cancelled run is handed back (the worker stops) or dropped (its claim is lost):
/// then there is no end.
pub(crate) async fn run(stage: &dyn Stage, job: &Job, kill: &CancellationToken) -> Option<End> {
    let cancelled = || kill.is_cancelled().then_some(End::HandBack);
    if job.cancel.is_cancelled() {
        return cancelled();
    }
    let work = AssertUnwindSafe(run_if_wanted(stage, job)).catch_unwind();
    let result = tokio::select! {
        biased;
        result = work => result,
        () = job.cancel.cancelled() => return cancelled(),
    };
    match result {
        Ok(Ok(outcome)) => Some(End::Done(outcome)),
        // A stage that notices the cancellation by itself ends with an error of its own.
        Ok(Err(_)) if job.cancel.is_cancelled() => cancelled(),
        Ok(Err(error)) => Some(End::Failed(error)),
        Err(panic) => {
            let message = panic_message(&*panic);
            Some(End::Failed(StageError::retry("panic", message)))
        }
    }
}

/// What the stage does of itself; inside the net that catches panics, `wants` too.
async fn run_if_wanted(stage: &dyn Stage, job: &Job) -> Result<Outcome, StageError> {
    if !stage.reads_document() || stage.wants(&job.document) {
        stage.run(job).await
    } else {
        Ok(Outcome::default())
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!(
        "An internal error stopped this stage: {text}. Please report it; the file itself is untouched."
    )
}
