//! convert: a playable copy of a video no browser plays. Waits until there is a converter.

use async_trait::async_trait;
use model::{Category, Document, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::spec;

const SPEC: StageSpec = spec("convert", &[], Lane::Cpu, 1);

pub(crate) struct Convert;

#[async_trait]
impl Stage for Convert {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        document.category == Category::Video && document.needs_conversion
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, StageError> {
        Err(StageError::wait(
            "video_converter",
            "This version cannot convert videos yet. The original is kept; download it to play it.",
        ))
    }
}
