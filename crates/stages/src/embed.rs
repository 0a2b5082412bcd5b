//! embed: vectors for what documents mean. Waits until there is a model to make them.

use async_trait::async_trait;
use model::{Document, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::spec;

const SPEC: StageSpec = spec("embed", &["classify"], Lane::Cpu, 1);

pub(crate) struct Embed;

#[async_trait]
impl Stage for Embed {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, _document: &Document) -> bool {
        true
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, StageError> {
        Err(StageError::wait(
            "embed_model",
            "This version has no embedding model yet. Search by words works without it.",
        ))
    }
}
