//! A draft transcript by pocketsphinx, for machines that have no speech model yet. English only; about every fourth word is wrong.
//!
//! The recording is cut into parts, so that memory and the time of one run stay bounded however long it is, and each part into
//! utterances at its pauses. Fed utterance by utterance the engine is wrong in 27 % of the words of real recordings; left to find the
//! pauses itself (`pocketsphinx_continuous`) in 36 %.

mod hypseg;
mod utterances;

use std::fmt::Write as _;
use std::path::Path;

use model::Segment;
use tokio_util::sync::CancellationToken;

use self::hypseg::segments;
use self::utterances::{quietest_place, utterances};
use crate::{PcmStream, SAMPLE_RATE, ToolError, Toolbox};

const PROGRAM: &str = "pocketsphinx_batch";

/// Where Debian's pocketsphinx-en-us puts its model.
const MODEL: &str = "/usr/share/pocketsphinx/model/en-us";

/// Samples of a second.
const SECOND: usize = SAMPLE_RATE as usize;

/// Bytes of the header of a WAV file.
const WAVE_HEADER: usize = 44;

impl Toolbox {
    /// Whether [`Toolbox::draft_transcript`] can run on this machine.
    pub fn has_draft_engine(&self) -> bool {
        crate::programs::find(PROGRAM).is_some() && Path::new(MODEL).is_dir()
    }

    /// What is said in a recording or video, in lines of at most 12 s. `progress` is told the share that is done, 0 to 1, where the
    /// recording tells its length. Errors: `no_audio`, `damaged`, `empty`, `program_missing`.
    pub async fn draft_transcript(
        &self,
        path: &Path,
        progress: impl Fn(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<Vec<Segment>, ToolError> {
        if !self.has_draft_engine() {
            return Err(crate::programs::missing(PROGRAM));
        }
        let duration = self.probe(path, cancel).await?.duration_s;
        let stream = self.decode_pcm(path, cancel).await?;
        let mut parts = Parts::new(stream, self.limits().draft_part_s);
        let mut lines = Vec::new();
        while let Some((start_s, samples)) = parts.next().await? {
            lines.extend(self.draft_part(start_s, &samples, cancel).await?);
            if let Some(duration) = duration {
                progress(parts.share(duration));
            }
        }
        Ok(lines)
    }

    /// The lines of one part, which starts at a second of the recording.
    async fn draft_part(
        &self,
        start_s: f64,
        samples: &[f32],
        cancel: &CancellationToken,
    ) -> Result<Vec<Segment>, ToolError> {
        let utterances = utterances(samples);
        if utterances.is_empty() {
            return Ok(Vec::new());
        }
        let folder = self.scratch_folder("draft-")?;
        let mut list = String::new();
        for (number, utterance) in utterances.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(list, "{number}");
            let wave = wave_file(&samples[utterance.clone()]);
            write(&folder.path().join(format!("{number}.wav")), &wave).await?;
        }
        write(&folder.path().join("list"), list.as_bytes()).await?;
        let seconds = samples.len() as f64 / SECOND as f64;
        let said = self.recognise(folder.path(), seconds, cancel).await?;
        let starts = utterances
            .iter()
            .map(|u| start_s + u.start as f64 / SECOND as f64);
        Ok(segments(&said, &starts.collect::<Vec<_>>()))
    }

    /// Runs the engine on the numbered files of a folder, which are so many seconds of sound.
    async fn recognise(
        &self,
        folder: &Path,
        seconds: f64,
        cancel: &CancellationToken,
    ) -> Result<String, ToolError> {
        let said = folder.join("said");
        self.fence(PROGRAM, self.limits().draft_part, seconds)
            .args(["-hmm", &format!("{MODEL}/en-us")])
            .args(["-lm", &format!("{MODEL}/en-us.lm.bin")])
            .args(["-dict", &format!("{MODEL}/cmudict-en-us.dict")])
            .args(["-adcin", "yes", "-adchdr", &WAVE_HEADER.to_string()])
            .args([
                "-cmn",
                "batch",
                "-remove_silence",
                "no",
                "-remove_noise",
                "no",
            ])
            .args(["-cepext", ".wav", "-cepdir"])
            .path(folder)
            .arg("-ctl")
            .path(&folder.join("list"))
            .arg("-hypseg")
            .path(&said)
            .args(["-logfn", "/dev/null"])
            .run(cancel)
            .await?;
        let bytes = tokio::fs::read(&said).await;
        let bytes = bytes.map_err(ToolError::io("cannot read", &said))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

async fn write(path: &Path, bytes: &[u8]) -> Result<(), ToolError> {
    let written = tokio::fs::write(path, bytes).await;
    written.map_err(ToolError::io("cannot write", path))
}

/// The recording in parts.
struct Parts {
    stream: PcmStream,
    pending: Vec<f32>,
    taken: usize,
    ended: bool,
    /// Longest part, in samples.
    most: usize,
}

impl Parts {
    fn new(stream: PcmStream, most_s: usize) -> Self {
        Self {
            most: most_s.max(1) * SECOND,
            stream,
            pending: Vec::new(),
            taken: 0,
            ended: false,
        }
    }

    /// Where the next part starts, in seconds.
    fn start_s(&self) -> f64 {
        self.taken as f64 / f64::from(SAMPLE_RATE)
    }

    /// The share of a recording that has been taken.
    fn share(&self, duration_s: f64) -> f64 {
        if self.ended && self.pending.is_empty() {
            return 1.0;
        }
        (self.start_s() / duration_s).min(1.0)
    }

    /// The second it starts at and its samples.
    async fn next(&mut self) -> Result<Option<(f64, Vec<f32>)>, ToolError> {
        while !self.ended && self.pending.len() < self.most {
            let room = self.most - self.pending.len();
            self.ended = self.stream.read(&mut self.pending, room).await? == 0;
        }
        if self.pending.is_empty() {
            return Ok(None);
        }
        let end = if self.ended {
            self.pending.len()
        } else {
            quietest_place(&self.pending)
        };
        let start_s = self.start_s();
        let rest = self.pending.split_off(end);
        let part = std::mem::replace(&mut self.pending, rest);
        self.taken += part.len();
        Ok(Some((start_s, part)))
    }
}

/// A WAV file: 16 kHz, mono, 16 bits.
fn wave_file(samples: &[f32]) -> Vec<u8> {
    let data = samples
        .iter()
        // A float cast stops at the ends of the range.
        .flat_map(|s| ((s * 32_768.0).round() as i16).to_le_bytes())
        .collect::<Vec<_>>();
    // A part has less than 4 MiB, far below what 32 bits count.
    let length = data.len() as u32;
    let mut file = Vec::with_capacity(data.len() + WAVE_HEADER);
    file.extend(b"RIFF");
    file.extend((length + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(SAMPLE_RATE.to_le_bytes());
    file.extend((SAMPLE_RATE * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_file_says_how_long_it_is() {
        let file = wave_file(&[0.0, 1.0, -1.0]);
        assert_eq!(file.len(), WAVE_HEADER + 6);
        assert_eq!(&file[40..44], &6_u32.to_le_bytes());
        assert_eq!(&file[46..48], &i16::MAX.to_le_bytes());
    }
}
