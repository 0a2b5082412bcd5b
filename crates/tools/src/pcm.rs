//! The sound of any recording or video as one stream of samples, by ffmpeg.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::fence::Running;
use crate::media::{damaged, guarded, megabytes};
use crate::{ToolError, Toolbox};

/// Samples a second of every [`PcmStream`].
pub const SAMPLE_RATE: u32 = 16_000;

/// Bytes of one sample.
const SAMPLE_BYTES: usize = size_of::<f32>();

/// Samples of a recording, 16 kHz, mono, -1 to 1. Dropping it stops ffmpeg.
#[derive(Debug)]
pub struct PcmStream {
    running: Option<Running>,
    pending: Vec<u8>,
    samples: u64,
}

impl Toolbox {
    /// Starts decoding the first audio stream. Whether there is one shows at the first read.
    pub async fn decode_pcm(
        &self,
        path: &Path,
        cancel: &CancellationToken,
    ) -> Result<PcmStream, ToolError> {
        let size = megabytes(path).await?;
        let fence = self
            .fence("ffmpeg", self.limits().decode, size)
            .args(["-nostdin", "-v", "error"]);
        let running = guarded(fence)
            .arg("-i")
            .path(path)
            .args(["-map", "0:a:0", "-ac", "1", "-ar", &SAMPLE_RATE.to_string()])
            .args(["-f", "f32le", "pipe:1"])
            .start(cancel)
            .await?;
        Ok(PcmStream {
            running: Some(running),
            pending: Vec::new(),
            samples: 0,
        })
    }
}

impl PcmStream {
    /// Appends up to `max` samples to `samples` and says how many; 0 at the end. Errors: `no_audio`, `damaged`.
    pub async fn read(&mut self, samples: &mut Vec<f32>, max: usize) -> Result<usize, ToolError> {
        if max == 0 {
            return Ok(0);
        }
        self.fill(max.saturating_mul(SAMPLE_BYTES)).await?;
        let n = (self.pending.len() / SAMPLE_BYTES).min(max);
        let bytes = self.pending.drain(..n * SAMPLE_BYTES).collect::<Vec<_>>();
        samples.extend(bytes.chunks_exact(SAMPLE_BYTES).map(sample));
        self.samples += n as u64;
        Ok(n)
    }

    /// Seconds read so far.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(SAMPLE_RATE)
    }

    /// Reads until `wanted` bytes are pending or ffmpeg has ended.
    async fn fill(&mut self, wanted: usize) -> Result<(), ToolError> {
        let mut block = vec![0; wanted.min(64 * 1024)];
        while self.pending.len() < wanted {
            let Some(running) = self.running.as_mut() else {
                return Ok(());
            };
            match running.read(&mut block).await? {
                0 => self.end().await?,
                n => {
                    running.moved();
                    self.pending.extend_from_slice(&block[..n]);
                }
            }
        }
        Ok(())
    }

    /// ffmpeg has closed its output. Where some sound came, a failure only means that the recording is cut off.
    async fn end(&mut self) -> Result<(), ToolError> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        let (status, stderr) = running.finish().await?;
        if self.samples > 0 || self.pending.len() >= SAMPLE_BYTES {
            if status != 0 {
                tracing::warn!(status, stderr, "the recording ends before its time");
            }
            return Ok(());
        }
        // Either there is no stream of sound, or there is nothing in it (a header alone).
        if stderr.contains("matches no streams") || status == 0 && stderr.is_empty() {
            return Err(ToolError::bad_input(
                "no_audio",
                "There is no sound in this file.",
            ));
        }
        Err(damaged(ToolError::Failed {
            program: "ffmpeg".into(),
            status: format!("exit code {status}"),
            stderr,
        }))
    }
}

fn sample(bytes: &[u8]) -> f32 {
    let value = bytes.try_into().map_or(0.0, f32::from_le_bytes);
    // A broken file may decode to NaN or infinity, which would poison everything computed from it.
    if value.is_finite() { value } else { 0.0 }
}
