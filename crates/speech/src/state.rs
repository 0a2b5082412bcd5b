//! What every request shares.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::audio::Decoder;
use crate::devices::{Devices, devices};
use crate::engine::Options;
use crate::error::SpeechError;
use crate::job::{Event, Job, Transcript};
use crate::slot::{ModelSlot, ModelSource};
use crate::windows::WINDOW_SECONDS;

/// The largest upload by default: 4 GiB.
pub const MAX_UPLOAD_BYTES: u64 = 4 << 30;
/// The engine's threads at most, unless a number is set: its small steps leave little for more of them to do.
const MAX_THREADS: usize = 16;
/// Transcriptions that use the model at once. More would only share the same processor, at twice the memory.
const AT_ONCE: usize = 1;

/// Settings of the service.
#[derive(Clone, Debug)]
pub struct SpeechConfig {
    /// The folders whose files may be named in a request.
    pub roots: Vec<PathBuf>,
    /// The model file to use; it may appear later.
    pub model: Option<PathBuf>,
    /// Where no file is named: the folder whose best model is used; it may appear later.
    pub models_dir: Option<PathBuf>,
    /// Where uploads lie while they are worked on; `None` for the system's folder.
    pub upload_dir: Option<PathBuf>,
    /// The largest upload in bytes.
    pub max_upload_bytes: u64,
    /// Seconds of a recording that are in memory, and transcribed in one go.
    pub window_seconds: usize,
    /// Processor threads of the engine; `None` for all processors but one.
    pub threads: Option<usize>,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            model: None,
            models_dir: None,
            upload_dir: None,
            max_upload_bytes: MAX_UPLOAD_BYTES,
            window_seconds: WINDOW_SECONDS,
            threads: None,
        }
    }
}

/// The engine's threads wait for each other many times a second, spinning: where one must share its processor with other
/// work, all stand still. So one processor is left to the rest of the machine.
fn default_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors - 1).clamp(1, MAX_THREADS)
}

/// The running service; cheap to clone.
#[derive(Clone)]
pub struct SpeechState {
    pub(crate) config: Arc<SpeechConfig>,
    pub(crate) model: Arc<ModelSlot>,
    pub(crate) decoder: Arc<dyn Decoder>,
    pub(crate) devices: Devices,
    line: Arc<Semaphore>,
    cancel: CancellationToken,
}

impl SpeechState {
    /// A service that reads sound through `decoder` and stops its work when `cancel` is cancelled.
    pub fn new(config: SpeechConfig, decoder: Arc<dyn Decoder>, cancel: CancellationToken) -> Self {
        let source = ModelSource {
            file: config.model.clone(),
            dir: config.models_dir.clone(),
        };
        let threads = config.threads.unwrap_or_else(default_threads);
        Self {
            model: Arc::new(ModelSlot::new(source, threads)),
            config: Arc::new(config),
            decoder,
            devices: devices(),
            line: Arc::new(Semaphore::new(AT_ONCE)),
            cancel,
        }
    }

    /// Looks for the model again; see [`ModelSlot::refresh`].
    pub async fn refresh_model(&self) -> Result<(), String> {
        self.model.refresh().await.map(|_| ())
    }

    /// Makes ready the transcription of `path`. Fails with 503 without a model, then with 415 without sound.
    pub(crate) async fn prepare(
        &self,
        path: PathBuf,
        options: Options,
    ) -> Result<Prepared, SpeechError> {
        let engine = self
            .model
            .refresh()
            .await
            .map_err(SpeechError::ModelNotLoaded)?;
        if !path.is_file() {
            return Err(SpeechError::NoAudio(
                "This is a folder or a device, not a recording.".to_owned(),
            ));
        }
        let expected = self.decoder.probe(&path).await?;
        let (events, told) = mpsc::unbounded_channel();
        let job = Job {
            engine,
            decoder: self.decoder.clone(),
            path,
            expected,
            window: self.config.window_seconds,
            options,
            events,
            cancel: self.cancel.child_token(),
        };
        Ok(Prepared {
            job,
            told,
            line: self.line.clone(),
        })
    }
}

/// A transcription whose file and model are there.
pub(crate) struct Prepared {
    pub(crate) job: Job,
    pub(crate) told: mpsc::UnboundedReceiver<Event>,
    pub(crate) line: Arc<Semaphore>,
}

impl Prepared {
    /// Runs to the end without telling. A caller that drops this stops the engine.
    pub(crate) async fn finish(self) -> Result<Transcript, SpeechError> {
        let _stop = self.job.cancel.clone().drop_guard();
        drop(self.told);
        self.job.run(self.line).await
    }
}
