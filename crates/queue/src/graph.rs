//! The stages and the order they follow from.

use std::fmt;
use std::sync::Arc;

use model::{Document, StageName, StageSpec};

use crate::Stage;

/// Every stage, in the order of the list they were given in.
#[derive(Clone)]
pub struct Graph {
    stages: Vec<Arc<dyn Stage>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.stages.iter().map(|stage| stage.spec().name);
        f.debug_list().entries(names).finish()
    }
}

/// A list of stages that is no graph.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GraphError {
    /// Two stages have one name.
    #[error("two stages are called {0}")]
    Doubled(&'static str),
    /// A stage follows one that is not in the list before it.
    #[error("stage {stage} follows {after}, which is not listed before it")]
    UnknownPredecessor {
        /// The stage.
        stage: &'static str,
        /// What it says it follows.
        after: &'static str,
    },
}

impl Graph {
    /// A graph of these stages. Each must be listed after those it follows, so that there can be no circle.
    ///
    /// # Errors
    /// A doubled name, or a predecessor that is not listed before.
    pub fn new(stages: Vec<Arc<dyn Stage>>) -> Result<Self, GraphError> {
        for (index, stage) in stages.iter().enumerate() {
            let spec = stage.spec();
            let earlier = &stages[..index];
            let listed = |name| earlier.iter().any(|other| other.spec().name == name);
            if listed(spec.name) {
                return Err(GraphError::Doubled(spec.name));
            }
            if let Some(after) = spec.after.iter().find(|after| !listed(after)) {
                return Err(GraphError::UnknownPredecessor {
                    stage: spec.name,
                    after,
                });
            }
        }
        Ok(Self { stages })
    }

    /// Every stage's description, in order.
    pub fn specs(&self) -> impl Iterator<Item = &'static StageSpec> + '_ {
        self.stages.iter().map(|stage| stage.spec())
    }

    /// The stages that no other follows, in order: a run of theirs that has to wait holds nothing else up.
    pub fn leaves(&self) -> Vec<StageName> {
        let followed = |name| self.specs().any(|spec| spec.after.contains(&name));
        self.specs()
            .map(|spec| spec.name)
            .filter(|name| !followed(*name))
            .collect()
    }

    /// Whether all stages that follow `name` do without the document, so that nobody needs to ask whether they want it.
    pub(crate) fn follows_by_row(&self, name: &str) -> bool {
        self.stages
            .iter()
            .filter(|stage| stage.spec().after.contains(&name))
            .all(|stage| !stage.reads_document())
    }

    /// All stages that follow `name`, whether a document wants them or not.
    pub(crate) fn followers(&self, name: &str) -> Vec<StageSpec> {
        self.specs()
            .filter(|spec| spec.after.contains(&name))
            .copied()
            .collect()
    }

    /// Whether a stage follows that one.
    pub(crate) fn is_followed(&self, name: &str) -> bool {
        self.specs().any(|spec| spec.after.contains(&name))
    }

    /// The stage of that name.
    pub fn stage(&self, name: &str) -> Option<&Arc<dyn Stage>> {
        self.stages.iter().find(|stage| stage.spec().name == name)
    }

    /// The stages a new document begins with.
    pub fn first_stages(&self, document: &Document) -> Vec<StageSpec> {
        self.wanted(document, |spec| spec.at_ingest)
    }

    /// The stages that follow `name` for this document.
    pub fn next_stages(&self, name: &str, document: &Document) -> Vec<StageSpec> {
        self.wanted(document, |spec| spec.after.contains(&name))
    }

    fn wanted(&self, document: &Document, choose: impl Fn(&StageSpec) -> bool) -> Vec<StageSpec> {
        self.stages
            .iter()
            .filter(|stage| choose(stage.spec()) && stage.wants(document))
            .map(|stage| *stage.spec())
            .collect()
    }
}
