//! Where sound comes from: any file that the media tools decode, as 16 kHz mono samples.

use std::path::Path;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tools::{PcmStream, ToolError, Toolbox};

use crate::error::SpeechError;

/// Why there is no sound.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AudioError {
    /// The file holds none, or none that can be read.
    #[error("{0}")]
    NoAudio(String),
    /// The program that would decode it is absent.
    #[error("{0}")]
    ToolMissing(String),
    /// Stopped on request.
    #[error("decoding was stopped")]
    Cancelled,
    /// The machine's fault; it may work the next time.
    #[error("{0}")]
    Failed(String),
}

impl From<AudioError> for SpeechError {
    fn from(error: AudioError) -> Self {
        match error {
            AudioError::NoAudio(reason) => Self::NoAudio(reason),
            AudioError::ToolMissing(reason) => Self::ToolMissing(reason),
            AudioError::Cancelled => Self::Cancelled,
            AudioError::Failed(reason) => Self::Io(reason),
        }
    }
}

impl From<ToolError> for AudioError {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Missing { .. } => Self::ToolMissing(error.to_string()),
            ToolError::Cancelled { .. } => Self::Cancelled,
            _ if error.retryable() && !matches!(error, ToolError::TimedOut { .. }) => {
                Self::Failed(error.to_string())
            }
            _ => Self::NoAudio(error.to_string()),
        }
    }
}

/// Samples of one recording.
#[async_trait]
pub trait Pcm: Send {
    /// Appends at most `max` samples; gives how many, 0 at the end.
    async fn read(&mut self, samples: &mut Vec<f32>, max: usize) -> Result<usize, AudioError>;
}

/// Opens recordings.
#[async_trait]
pub trait Decoder: Send + Sync {
    /// Whether the file holds sound, and its length in seconds where the file tells it. Quick.
    async fn probe(&self, path: &Path) -> Result<Option<f64>, AudioError>;

    /// Starts decoding.
    async fn open(&self, path: &Path) -> Result<Box<dyn Pcm>, AudioError>;
}

#[async_trait]
impl Pcm for PcmStream {
    async fn read(&mut self, samples: &mut Vec<f32>, max: usize) -> Result<usize, AudioError> {
        Ok(PcmStream::read(self, samples, max).await?)
    }
}

/// Dropping what these give stops ffmpeg, so that no token need be handed down.
#[async_trait]
impl Decoder for Toolbox {
    async fn probe(&self, path: &Path) -> Result<Option<f64>, AudioError> {
        let info = Toolbox::probe(self, path, &CancellationToken::new()).await?;
        match info.audio {
            Some(_) => Ok(info.duration_s),
            None => Err(AudioError::NoAudio(
                "There is no sound in this file.".to_owned(),
            )),
        }
    }

    async fn open(&self, path: &Path) -> Result<Box<dyn Pcm>, AudioError> {
        Ok(Box::new(
            self.decode_pcm(path, &CancellationToken::new()).await?,
        ))
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Samples from memory.
    pub struct Samples(std::vec::IntoIter<f32>);

    impl Samples {
        pub fn new(samples: Vec<f32>) -> Self {
            Self(samples.into_iter())
        }
    }

    #[async_trait]
    impl Pcm for Samples {
        async fn read(&mut self, samples: &mut Vec<f32>, max: usize) -> Result<usize, AudioError> {
            let before = samples.len();
            samples.extend(self.0.by_ref().take(max));
            Ok(samples.len() - before)
        }
    }
}
