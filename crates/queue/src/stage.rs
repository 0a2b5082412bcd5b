//! What a stage is, and what it may say when it ends.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::{Document, QueueItem, StageSpec, Write};
use tokio_util::sync::CancellationToken;

/// One kind of work on a document.
#[async_trait]
pub trait Stage: Send + Sync + 'static {
    /// What it says of itself.
    fn spec(&self) -> &'static StageSpec;

    /// Whether the document passes this stage at all.
    fn wants(&self, document: &Document) -> bool;

    /// Whether the runner reads the document before a run. A stage that works by the row alone spares the archive that: its
    /// [`Job::document`] is blank but for the id, and it is not asked whether it wants it.
    fn reads_document(&self) -> bool {
        true
    }

    /// Does the work, outside any transaction, and hands back what is to be written.
    ///
    /// It may be run again after a crash: it must not do harm the second time. When [`Job::cancel`] fires the future is
    /// dropped; work on other threads must watch the token by itself. It must not block the thread it is polled on.
    ///
    /// # Errors
    /// A [`StageError`] says whether trying again may help.
    async fn run(&self, job: &Job) -> Result<Outcome, StageError>;
}

/// One run of a stage.
#[derive(Debug)]
pub struct Job {
    /// The document as it was when the run began.
    pub document: Document,
    /// The claimed row.
    pub item: QueueItem,
    /// Ends the run early: the claim was lost, the row cancelled, or the worker stops.
    pub cancel: CancellationToken,
    progress: Arc<Mutex<Option<f64>>>,
}

impl Job {
    /// A run of `item` on `document`.
    pub fn new(document: Document, item: QueueItem, cancel: CancellationToken) -> Self {
        Self {
            document,
            item,
            cancel,
            progress: Arc::default(),
        }
    }

    /// Tells how far the run is, 0 to 1; kept with the next heartbeat.
    pub fn set_progress(&self, done: f64) {
        if done.is_nan() {
            return;
        }
        let mut progress = self
            .progress
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *progress = Some(done.clamp(0.0, 1.0));
    }

    /// How far the run said it is.
    pub fn progress(&self) -> Option<f64> {
        *self
            .progress
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What a run that succeeded hands back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Committed together with the row's completion and the rows of the next stages.
    pub writes: Vec<Write>,
}

impl From<Vec<Write>> for Outcome {
    fn from(writes: Vec<Write>) -> Self {
        Self { writes }
    }
}

/// Why a run did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub enum StageError {
    /// Something passing; tried again with backoff until the tries are used up.
    Retry {
        /// For programs, `snake_case`.
        code: String,
        /// For people.
        message: String,
    },
    /// Trying again would not help.
    Fail {
        /// For programs, `snake_case`.
        code: String,
        /// For people: what is wrong and what to do.
        message: String,
    },
    /// A model or service is absent. No attempt is used up; the row goes on by itself when it is there.
    Wait {
        /// What is absent, such as `speech_model`.
        waiting_for: String,
        /// For people: what to do.
        message: String,
        /// What could be done without it meanwhile (a draft), committed at once; the next stages go on with that.
        meanwhile: Option<Vec<Write>>,
    },
}

impl StageError {
    /// An error that is worth trying again.
    pub fn retry(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Retry {
            code: code.into(),
            message: message.to_string(),
        }
    }

    /// An error that stays.
    pub fn fail(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Fail {
            code: code.into(),
            message: message.to_string(),
        }
    }

    /// Something is absent.
    pub fn wait(waiting_for: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Wait {
            waiting_for: waiting_for.into(),
            message: message.to_string(),
            meanwhile: None,
        }
    }
}
