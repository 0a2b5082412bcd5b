//! One transcription from the file to the last line: decode, cut, listen, tell.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::audio::Decoder;
use crate::engine::{Engine, Hooks, Options, SAMPLE_RATE, Segment, Session};
use crate::error::SpeechError;
use crate::language::Language;
use crate::windows::{Window, Windows};

/// What a job tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The part that is done, 0 to 1.
    Progress(f32),
    /// A line; lines come in the order they were spoken.
    Segment(Segment),
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// In the order they were spoken.
    pub segments: Vec<Segment>,
    /// `None` where the recording is silent and none was asked for.
    pub language: Option<Language>,
    /// The recording's length in seconds.
    pub duration: f64,
}

impl Transcript {
    /// All lines, one below the other.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self
            .segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect();
        lines.join("\n")
    }
}

/// A transcription to do.
pub struct Job {
    /// The model.
    pub engine: Arc<Engine>,
    /// What reads the file.
    pub decoder: Arc<dyn Decoder>,
    /// The file.
    pub path: PathBuf,
    /// Its length in seconds, where it is known beforehand.
    pub expected: Option<f64>,
    /// Seconds of sound that are in memory at once.
    pub window: usize,
    /// How.
    pub options: Options,
    /// Told as it goes; a receiver that has gone away is no error.
    pub events: mpsc::UnboundedSender<Event>,
    /// Stops the job.
    pub cancel: CancellationToken,
}

impl Job {
    /// Waits for its turn in `line`, then runs to the end.
    pub async fn run(self, line: Arc<Semaphore>) -> Result<Transcript, SpeechError> {
        let cancel = self.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SpeechError::Cancelled),
            outcome = self.work(line) => outcome,
        }
    }

    async fn work(self, line: Arc<Semaphore>) -> Result<Transcript, SpeechError> {
        let turn = line
            .acquire_owned()
            .await
            .map_err(|_| SpeechError::Cancelled)?;
        let turn = Arc::new(turn);
        let source = self.decoder.open(&self.path).await?;
        let mut windows = Windows::new(source, self.window * SAMPLE_RATE);
        let mut session = None;
        let mut segments = Vec::new();
        while let Some(window) = windows.next().await? {
            let (back, mut lines) = self.listen(session.take(), window, turn.clone()).await?;
            session = Some(back);
            for line in &lines {
                self.tell(Event::Segment(line.clone()));
            }
            segments.append(&mut lines);
        }
        if windows.position() == 0 {
            return Err(SpeechError::NoAudio(
                "The sound of this file has no length. Try to play it, or copy it here again."
                    .to_owned(),
            ));
        }
        let asked = self.options.languages.first().copied();
        Ok(Transcript {
            segments,
            language: session.and_then(|session| session.language()).or(asked),
            duration: windows.position() as f64 / SAMPLE_RATE as f64,
        })
    }

    /// Runs the engine over one window on a blocking thread. The thread holds the turn: a job that is cancelled keeps
    /// the next one waiting until the engine has really stopped.
    async fn listen(
        &self,
        session: Option<Session>,
        window: Window,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Result<(Session, Vec<Segment>), SpeechError> {
        let (engine, options, hooks) = (
            self.engine.clone(),
            self.options.clone(),
            self.hooks(&window),
        );
        let work = move || {
            let _turn = turn;
            let mut session = match session {
                Some(session) => session,
                None => engine.start()?,
            };
            let offset = window.start as f64 / SAMPLE_RATE as f64;
            let lines = session.run(&window.samples, offset, &options, hooks)?;
            Ok((session, lines))
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| SpeechError::Engine(error.to_string()))?
    }

    fn hooks(&self, window: &Window) -> Hooks {
        let events = self.events.clone();
        let (start, length) = (window.start as f64, window.samples.len() as f64);
        // Where the length is not known, the sound that was read so far stands for the whole.
        let total = self
            .expected
            .map_or(0.0, |seconds| seconds * SAMPLE_RATE as f64)
            .max(start + length);
        Hooks {
            cancel: self.cancel.clone(),
            progress: Box::new(move |part| {
                let done = (start + length * f64::from(part)) / total;
                let _ = events.send(Event::Progress(done as f32));
            }),
        }
    }

    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
