//! The archive opened: everything that serving, working and the command line share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use ingest::{Ingest, IngestConfig};
use model::Document;
use queue::{Graph, Requeue, Stage};
use search::SearchIndex;
use stages::{Library, StageContext};
use store::Store;
use tools::{SpeechClient, Toolbox, ToolboxSettings};

use crate::app::App;

/// Folder for the temporary files of outside programs, below the data folder.
const SCRATCH: &str = "scratch";

/// The opened parts. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    /// The database.
    pub store: Store,
    /// Programs in the fence.
    pub tools: Toolbox,
    /// The stages.
    pub graph: Graph,
    /// The ways in.
    pub ingest: Arc<Ingest>,
    /// The speech service.
    pub speech: SpeechClient,
}

impl Archive {
    /// Opens the archive; `speech_endpoint` is where the speech service answers.
    ///
    /// # Errors
    /// Folders that cannot be made, a database that cannot be opened, an ignore pattern that cannot be read.
    pub async fn open(app: &App, speech_endpoint: &str) -> Result<Self> {
        Self::on(app, app.open().await?, speech_endpoint)
    }

    /// The archive whose records are in `store`.
    ///
    /// # Errors
    /// As [`Archive::open`], but for the database.
    pub fn on(app: &App, store: Store, speech_endpoint: &str) -> Result<Self> {
        let settings = &app.settings;
        let tools = toolbox(app)?;
        let speech = SpeechClient::new(speech_endpoint)?;
        let library = std::path::absolute(&settings.library_dir)
            .with_context(|| format!("{} is no folder", settings.library_dir.display()))?;
        let context = Arc::new(StageContext {
            store: store.clone(),
            tools: tools.clone(),
            library: Arc::new(Originals(library)),
            speech: speech.clone(),
            derived: settings.data.derived(),
            languages: settings.langs.clone(),
            video: settings.video,
            clock: Arc::clone(&app.clock),
        });
        let graph = Graph::new(stages::all(&context)).context("the list of stages is no graph")?;
        let ingest = Arc::new(ingest(app, &store, &graph)?);
        Ok(Self {
            store,
            tools,
            graph,
            ingest,
            speech,
        })
    }

    /// Asks for stages again.
    pub fn requeue(&self, app: &App) -> Requeue {
        Requeue {
            store: self.store.clone(),
            clock: Arc::clone(&app.clock),
            random: Arc::clone(&app.random),
        }
    }

    /// The stage of that name.
    ///
    /// # Errors
    /// There is none; the names there are.
    pub fn stage(&self, name: &str) -> Result<&Arc<dyn Stage>> {
        self.graph.stage(name).with_context(|| {
            let known: Vec<_> = self.graph.specs().map(|spec| spec.name).collect();
            format!(
                "there is no stage {name}; the stages are {}",
                known.join(", ")
            )
        })
    }

    /// The search index of this machine.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn index(app: &App) -> Result<Arc<SearchIndex>> {
        let folder = app.settings.data.index();
        let index = SearchIndex::open(&folder).with_context(|| {
            format!("the search index in {} cannot be opened", folder.display())
        })?;
        Ok(Arc::new(index))
    }
}

fn ingest(app: &App, store: &Store, graph: &Graph) -> Result<Ingest> {
    let settings = &app.settings;
    let (graph, video) = (graph.clone(), settings.video);
    let config = IngestConfig {
        // Made at the very first start only: one that held files and is absent later is an unmounted NAS.
        create_library: true,
        ignore: settings.library_ignore.clone(),
        skip_prefixes: settings.roon_library_path.iter().cloned().collect(),
        settle: settings.settle,
        scan_interval: settings.scan_interval,
        max_upload_bytes: settings.max_upload_bytes,
        ..IngestConfig::new(&settings.library_dir)
    };
    let ingest = Ingest::new(
        config,
        store.clone(),
        Arc::clone(&app.clock),
        Arc::clone(&app.random),
        Arc::new(move |document: &Document| video.first_stages(&graph, document)),
    )?;
    Ok(ingest)
}

/// The toolbox of this installation.
///
/// # Errors
/// The folder for temporary files cannot be made; our own path cannot be told.
pub fn toolbox(app: &App) -> Result<Toolbox> {
    let settings = &app.settings;
    let scratch = std::path::absolute(settings.data.root().join(SCRATCH))?;
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("{} cannot be made", scratch.display()))?;
    let own = std::env::current_exe().context("the path of this program cannot be told")?;
    Ok(Toolbox::new(ToolboxSettings {
        ocr_languages: settings.ocr_languages.join("+"),
        ..ToolboxSettings::new(own, scratch)
    }))
}

/// Finds originals below the library root.
struct Originals(PathBuf);

#[async_trait]
impl Library for Originals {
    async fn locate(&self, document: &Document) -> Result<PathBuf, String> {
        let (root, document) = (self.0.clone(), document.clone());
        let found = tokio::task::spawn_blocking(move || find(&root, &document)).await;
        found.unwrap_or_else(|error| Err(error.to_string()))
    }
}

fn find(root: &Path, document: &Document) -> Result<PathBuf, String> {
    ingest::resolve_below(root, document).map_err(|error| error.to_string())
}
