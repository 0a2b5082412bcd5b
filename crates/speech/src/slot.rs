//! The place of the loaded model: it fills itself as soon as a model file is there, and follows when the file changes.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::engine::{Engine, ModelStamp};
use crate::models;

/// How long a question whether the model is there may wait for it.
const PEEK_PATIENCE: Duration = Duration::from_secs(1);

/// Where the model comes from.
#[derive(Clone, Debug, Default)]
pub struct ModelSource {
    /// This file; it need not be there yet.
    pub file: Option<PathBuf>,
    /// Where no file is named: the best model of this folder.
    pub dir: Option<PathBuf>,
}

impl ModelSource {
    /// The file to load now, if there is one. Blocking.
    fn find(&self) -> Option<ModelStamp> {
        let path = match (&self.file, &self.dir) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(dir)) => models::default_model(dir),
            (None, None) => None,
        };
        path.and_then(|path| ModelStamp::of(&path))
    }

    fn absent(&self) -> String {
        let fetch = format!("Get one with: seogo models pull {}", models::RECOMMENDED);
        match &self.file {
            Some(file) => format!("The speech model {} is not there. {fetch}", file.display()),
            None => format!("There is no speech model yet. {fetch}"),
        }
    }
}

/// The loaded model, if any.
pub struct ModelSlot {
    source: ModelSource,
    threads: usize,
    current: RwLock<Option<Arc<Engine>>>,
    /// Held while looking and loading, so that a model is loaded once.
    tried: Mutex<Tried>,
}

/// What was tried last, and what came of it.
#[derive(Default)]
struct Tried {
    stamp: Option<ModelStamp>,
    error: Option<String>,
}

impl ModelSlot {
    /// An empty slot.
    pub fn new(source: ModelSource, threads: usize) -> Self {
        Self {
            source,
            threads,
            current: RwLock::new(None),
            tried: Mutex::new(Tried::default()),
        }
    }

    /// The model that is loaded now; never waits.
    pub fn current(&self) -> Option<Arc<Engine>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The loaded model after a look at the disk; waits for one that is being loaded. The error says what is missing.
    pub async fn refresh(self: &Arc<Self>) -> Result<Arc<Engine>, String> {
        let slot = self.clone();
        // A task of its own: a caller that goes away must not throw a half-loaded model away.
        let look = tokio::spawn(async move {
            let mut tried = slot.tried.lock().await;
            slot.look(&mut tried).await;
            slot.current().ok_or_else(|| slot.why_not(&tried))
        });
        look.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// As [`Self::refresh`], but a model that takes long to load is not waited for.
    pub async fn peek(self: &Arc<Self>) -> Result<Arc<Engine>, String> {
        match tokio::time::timeout(PEEK_PATIENCE, self.refresh()).await {
            Ok(outcome) => outcome,
            Err(_) => self
                .current()
                .ok_or_else(|| "The speech model is being loaded.".to_owned()),
        }
    }

    fn why_not(&self, tried: &Tried) -> String {
        tried.error.clone().unwrap_or_else(|| self.source.absent())
    }

    /// Loads what is there unless it was tried already. A model that vanishes or breaks stays in memory.
    async fn look(&self, tried: &mut Tried) {
        let source = self.source.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || source.find()).await else {
            return;
        };
        if found.is_none() {
            *tried = Tried::default();
        }
        let Some(stamp) = found.filter(|stamp| tried.stamp.as_ref() != Some(stamp)) else {
            return;
        };
        tried.error = self.load(&stamp).await.err();
        tried.stamp = Some(stamp);
    }

    async fn load(&self, stamp: &ModelStamp) -> Result<(), String> {
        let (path, threads) = (stamp.path.clone(), self.threads);
        let loaded = tokio::task::spawn_blocking(move || Engine::load(&path, threads)).await;
        let outcome = match loaded {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let engine = outcome.map_err(|reason| {
            let message = format!(
                "The speech model {} could not be loaded. {reason}",
                stamp.path.display()
            );
            tracing::warn!("{message}");
            message
        })?;
        tracing::info!(model = engine.name(), "speech model loaded");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(engine));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny_model::TinyModel;

    fn write_model(path: &std::path::Path, word: &str) {
        std::fs::write(path, TinyModel::saying(&[word]).to_bytes()).unwrap();
    }

    #[tokio::test]
    async fn a_model_that_appears_later_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ggml-own.bin");
        let slot = Arc::new(ModelSlot::new(
            ModelSource {
                file: Some(file.clone()),
                dir: None,
            },
            1,
        ));
        let missing = slot.refresh().await.err().unwrap();
        assert!(missing.contains("seogo models pull"), "{missing}");

        std::fs::write(&file, b"half a copy").unwrap();
        let broken = slot.refresh().await.err().unwrap();
        assert!(broken.contains("could not be loaded"), "{broken}");

        write_model(&file, " hello");
        assert_eq!(slot.peek().await.ok().unwrap().name(), "own");

        std::fs::remove_file(&file).unwrap();
        assert!(slot.refresh().await.is_ok(), "what is in memory stays");
    }

    #[tokio::test]
    async fn the_best_of_the_folder_is_taken_and_a_better_one_replaces_it() {
        let dir = tempfile::tempdir().unwrap();
        let slot = Arc::new(ModelSlot::new(
            ModelSource {
                file: None,
                dir: Some(dir.path().to_owned()),
            },
            1,
        ));
        assert!(slot.refresh().await.is_err());
        write_model(&dir.path().join("ggml-tiny.bin"), " small");
        let first = slot.refresh().await.ok().unwrap();
        assert_eq!(first.name(), "tiny");
        assert!(
            Arc::ptr_eq(&first, &slot.refresh().await.ok().unwrap()),
            "loaded once"
        );
        write_model(&dir.path().join("ggml-large-v3.bin"), " large");
        assert_eq!(slot.refresh().await.ok().unwrap().name(), "large-v3");
    }
}
