//! Stages under the case's control: every run is handed to the case, which says how it ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{Document, DocumentPatch, Lane, QueueItem, StageSpec, Write};
use queue::{Graph, Job, Outcome, Stage, StageError};
use tokio::sync::{mpsc, oneshot};

/// Longer than anything takes on a busy machine; only a case that fails waits so long.
pub const LIMIT: Duration = Duration::from_secs(45);

/// A document of this title makes a stage panic when it is asked whether it wants it.
pub const UNWANTABLE: &str = "unwantable";

/// A stage of that name that follows `after`, one run at once, three tries, claims for 10 s.
pub const fn spec(name: &'static str, after: &'static [&'static str]) -> StageSpec {
    StageSpec {
        name,
        after,
        at_ingest: after.is_empty(),
        version: 1,
        lane: Lane::Cpu,
        concurrency: 1,
        lease_ms: 10_000,
        max_attempts: 3,
    }
}

/// How a run is to end.
enum Answer {
    End(Result<Outcome, StageError>),
    Panic(&'static str),
}

/// A run that has begun.
pub struct Call {
    pub item: QueueItem,
    pub document: Document,
    answer: oneshot::Sender<Answer>,
}

impl Call {
    pub fn stage(&self) -> &str {
        &self.item.stage
    }

    pub fn succeed(self) {
        self.end(Ok(Outcome::default()));
    }

    /// Succeeds and hands back a text.
    pub fn succeed_with(self, text: &str) {
        self.end(Ok(text_of(text).into()));
    }

    pub fn end(self, result: Result<Outcome, StageError>) {
        // A run that was stopped meanwhile takes no answer.
        let _ = self.answer.send(Answer::End(result));
    }

    pub fn panic(self, message: &'static str) {
        let _ = self.answer.send(Answer::Panic(message));
    }

    /// Until the runner has stopped the run.
    pub async fn stopped(mut self) {
        within("the run is stopped", self.answer.closed()).await;
    }

    pub fn goes_on(&self) -> bool {
        !self.answer.is_closed()
    }
}

/// The write that sets a document's text.
pub fn text_of(text: &str) -> Vec<Write> {
    vec![Write::Patch(Box::new(DocumentPatch {
        extracted_text: Some(text.to_owned()),
        ..DocumentPatch::default()
    }))]
}

/// The runs of a graph's stages, as they begin.
pub struct Calls(mpsc::UnboundedReceiver<Call>);

impl Calls {
    /// The next run that begins.
    pub async fn next(&mut self) -> Call {
        within("a run begins", self.0.recv()).await.unwrap()
    }

    /// The next run, which must be one of that stage.
    pub async fn next_of(&mut self, stage: &str) -> Call {
        let call = self.next().await;
        assert_eq!(call.stage(), stage);
        call
    }

    /// No run has begun but those that were taken.
    pub fn none(&mut self) -> bool {
        self.0.is_empty()
    }
}

/// A graph of controlled stages, and the runs of it.
pub fn controlled(specs: &'static [StageSpec]) -> (Graph, Calls) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stages = specs.iter().map(|spec| -> Arc<dyn Stage> {
        Arc::new(Controlled {
            spec,
            calls: sender.clone(),
        })
    });
    (Graph::new(stages.collect()).unwrap(), Calls(receiver))
}

struct Controlled {
    spec: &'static StageSpec,
    calls: mpsc::UnboundedSender<Call>,
}

#[async_trait]
impl Stage for Controlled {
    fn spec(&self) -> &'static StageSpec {
        self.spec
    }

    fn wants(&self, document: &Document) -> bool {
        assert_ne!(document.title, UNWANTABLE, "cannot tell");
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let (answer, told) = oneshot::channel();
        let call = Call {
            item: job.item.clone(),
            document: job.document.clone(),
            answer,
        };
        job.set_progress(0.5);
        self.calls.send(call).expect("the case listens");
        match told.await.expect("the case says how the run ends") {
            Answer::End(result) => result,
            Answer::Panic(message) => panic!("{message}"),
        }
    }
}

/// What comes of it, before the limit.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("never happened: {what}"),
    }
}
