//! chunk: passages with their page or second, for search to find.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Document, Lane, StageSpec, Write};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, spec, store_error};

const SPEC: StageSpec = spec("chunk", &["classify"], Lane::Cpu, 1);

pub(crate) struct Chunk(pub Arc<StageContext>);

#[async_trait]
impl Stage for Chunk {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, _document: &Document) -> bool {
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let text = self.0.text(&job.document).await?;
        let mut tx = self.0.store.read().await.map_err(|e| store_error(&e))?;
        let segments = tx.segments(&job.document.id).await;
        let segments = segments.map_err(|e| store_error(&e))?;
        drop(tx);
        // A long text takes seconds, and this thread serves others.
        let passages = tokio::task::spawn_blocking(move || search::passages(&text, &segments));
        let passages = passages.await.map_err(|e| StageError::retry("panic", e))?;
        Ok(vec![Write::Chunks(passages)].into())
    }
}
