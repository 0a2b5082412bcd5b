//! One upload beside a bulk import of a hundred thousand files: whoever waits for it does not wait for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::{Document, Priority, StageSpec};
use queue::{Graph, Job, Outcome, RunnerConfig, Stage, StageError};
use tokio::sync::mpsc;

use crate::bed::Bed;
use crate::conformance;
use crate::control::{controlled, spec, within};
use crate::faults::{ask, documents, done, until_done};

conformance!(an_upload_begins_within_a_second_beside_a_bulk_import);

const BULK: usize = 100_000;
const SECOND: Duration = Duration::from_secs(1);
const STAGES: &[StageSpec] = &[StageSpec {
    concurrency: 2,
    ..spec("extract", &[])
}];
const EXTRACT: &StageSpec = &STAGES[0];

async fn an_upload_begins_within_a_second_beside_a_bulk_import(bed: Bed) {
    let bulk = documents(&bed, "bulk", BULK).await;
    ask(&bed, &bulk, EXTRACT, Priority::Bulk, &*bed.clock).await;
    beside_long_runs(&bed).await;
    beside_short_runs(&bed).await;
}

/// All the room of the stage is taken by runs that do not end.
async fn beside_long_runs(bed: &Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, RunnerConfig::new("w"));
    let long = [calls.next().await, calls.next().await];
    let uploaded = upload(bed, "beside long runs").await;
    let call = calls.next().await;
    assert!(uploaded.elapsed() < SECOND, "{:?}", uploaded.elapsed());
    assert_eq!(call.document.title, "beside long runs 0");
    assert!(long.iter().all(|call| call.goes_on()));
    working.stop.cancel();
    call.succeed();
    long.into_iter().for_each(|call| call.succeed());
    working.ended().await;
}

/// Adds a document and asks for it as a person does. Tells when.
async fn upload(bed: &Bed, name: &str) -> Instant {
    let document = documents(bed, name, 1).await;
    let uploaded = Instant::now();
    ask(bed, &document, EXTRACT, Priority::Person, &*bed.clock).await;
    uploaded
}

/// Runs follow one another as fast as they can.
async fn beside_short_runs(bed: &Bed) {
    let (sender, mut uploads) = mpsc::unbounded_channel();
    let graph = Graph::new(vec![Arc::new(Short(sender))]).unwrap();
    let before = done(bed).await;
    let working = bed.start(&graph, RunnerConfig::new("w"));
    for number in 1..=5 {
        until_done(bed, before + 1000 * number).await;
        let uploaded = upload(bed, &format!("upload {number}")).await;
        let begun: Instant = within("the upload begins", uploads.recv()).await.unwrap();
        let waited = begun - uploaded;
        assert!(waited < SECOND, "{waited:?}");
    }
    assert!(done(bed).await < BULK, "the import goes on");
    working.end().await;
}

/// Takes no time, and tells when it runs for an upload.
struct Short(mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Stage for Short {
    fn spec(&self) -> &'static StageSpec {
        EXTRACT
    }

    fn wants(&self, _: &Document) -> bool {
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        if job.document.title.starts_with("upload") {
            self.0.send(Instant::now()).expect("the case listens");
        }
        Ok(Outcome::default())
    }
}
