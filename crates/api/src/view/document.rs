//! A document in JSON.

use std::collections::HashMap;

use model::{Document, DocumentId};
use queue::Graph;
use serde::Serialize;
use store::{PipelineState, StoreError, Tx};
use utoipa::ToSchema;

use super::queue::StageRow;
use super::schema;

/// A document and how far it is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    #[serde(flatten)]
    #[schema(value_type = schema::DocumentFields)]
    document: Document,
    pipeline: Pipeline,
}

/// A document with the newest run of each of its stages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentDetail)]
pub(crate) struct DocumentDetail {
    #[serde(flatten)]
    document: DocumentView,
    /// In the order of the graph.
    stages: Vec<StageRow>,
}

/// How far a document is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Pipeline {
    /// All in one word.
    state: PipelineWord,
    /// Stages not yet ended; one that waits for something absent counts where others follow it.
    open: i64,
    /// Stages given up.
    failed: i64,
}

/// How far a document is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PipelineWord {
    /// Every stage has ended well, or waits for something absent and holds nothing up.
    Done,
    /// Something runs or is about to.
    Working,
    /// What is left waits for something absent, such as a speech model, and holds other stages up.
    Waiting,
    /// Nothing runs, and something was given up.
    Failed,
    /// No stage is for it.
    None,
}

impl From<&PipelineState> for Pipeline {
    fn from(state: &PipelineState) -> Self {
        let word = if state.open > state.waiting {
            PipelineWord::Working
        } else if state.failed > 0 {
            PipelineWord::Failed
        } else if state.open > 0 {
            PipelineWord::Waiting
        } else if state.total > 0 {
            PipelineWord::Done
        } else {
            PipelineWord::None
        };
        Self {
            state: word,
            open: state.open,
            failed: state.failed,
        }
    }
}

impl DocumentView {
    /// The view of one document.
    pub async fn of(tx: &mut Tx, document: Document, graph: &Graph) -> Result<Self, StoreError> {
        let ids = std::slice::from_ref(&document.id);
        let states = tx.pipeline_states(ids, &graph.leaves()).await?;
        Ok(Self::new(document, &states))
    }

    /// The views of many.
    pub async fn of_all(
        tx: &mut Tx,
        documents: Vec<Document>,
        graph: &Graph,
    ) -> Result<Vec<Self>, StoreError> {
        let ids: Vec<_> = documents.iter().map(|d| d.id.clone()).collect();
        let states = tx.pipeline_states(&ids, &graph.leaves()).await?;
        let views = documents.into_iter().map(|d| Self::new(d, &states));
        Ok(views.collect())
    }

    fn new(document: Document, states: &HashMap<DocumentId, PipelineState>) -> Self {
        let none = PipelineState::default();
        let pipeline = Pipeline::from(states.get(&document.id).unwrap_or(&none));
        Self { document, pipeline }
    }
}

impl DocumentDetail {
    /// The view of one document with its stages, in the order of `graph`.
    pub async fn of(tx: &mut Tx, document: Document, graph: &Graph) -> Result<Self, StoreError> {
        let mut rows = tx.document_stages(&document.id).await?;
        let place = |name: &str| graph.specs().position(|spec| spec.name == name);
        // A stage that is no longer in the graph comes last.
        rows.sort_by_key(|row| place(&row.stage).unwrap_or(usize::MAX));
        Ok(Self {
            document: DocumentView::of(tx, document, graph).await?,
            stages: rows.into_iter().map(StageRow::from).collect(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use model::{Source, Timestamp};

    use super::*;

    /// Any document.
    pub fn document() -> Document {
        Document {
            file_type: "txt".into(),
            mime: "text/plain".into(),
            modified_at: Timestamp(0),
            ..Document::blank("d".into(), "t".into(), Source::Upload, Timestamp(0))
        }
    }

    fn word(open: i64, waiting: i64, failed: i64, total: i64) -> PipelineWord {
        let state = PipelineState {
            open,
            waiting,
            failed,
            total,
        };
        Pipeline::from(&state).state
    }

    #[test]
    fn the_word_is_what_a_person_wants_to_know_first() {
        assert_eq!(word(0, 0, 0, 0), PipelineWord::None);
        assert_eq!(word(0, 0, 0, 4), PipelineWord::Done);
        assert_eq!(word(2, 1, 1, 4), PipelineWord::Working);
        assert_eq!(word(1, 1, 0, 4), PipelineWord::Waiting);
        assert_eq!(word(1, 1, 1, 4), PipelineWord::Failed);
    }
}
