//! preview: what the browser shows. For a PDF a picture of its first page; text and notes are shown as they are.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, patch, spec, tool_error};

const SPEC: StageSpec = spec("preview", &["extract"], Lane::Cpu, 2);

/// Folder below the derived files.
const FOLDER: &str = "thumbnails";

pub(crate) struct Preview(pub Arc<StageContext>);

#[async_trait]
impl Stage for Preview {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        matches!(document.category, Category::Document | Category::Note)
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        if job.document.category == Category::Note || job.document.file_type != "pdf" {
            return Ok(Outcome::default());
        }
        let path = self.0.original(&job.document).await?;
        let name = format!("{}.jpg", job.document.id);
        let file = self.0.derived_folder(FOLDER).await?.join(&name);
        self.0
            .tools
            .pdf_first_page(&path, &file, &job.cancel)
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        let found = DocumentPatch {
            thumbnail_path: Some(format!("{FOLDER}/{name}")),
            ..DocumentPatch::default()
        };
        Ok(vec![patch(found)].into())
    }
}
