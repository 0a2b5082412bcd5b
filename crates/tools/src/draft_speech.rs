//! A draft transcript by pocketsphinx, for machines that have no speech model yet. English only; every fourth word is wrong.
//!
//! The recording is cut into parts at quiet places, so that memory and the time of one run stay bounded however long it is.

use std::path::Path;

use model::Segment;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{PcmStream, SAMPLE_RATE, ToolError, Toolbox};

const PROGRAM: &str = "pocketsphinx_continuous";

/// Samples of a second.
const SECOND: usize = SAMPLE_RATE as usize;

/// The cut is made at the quietest place in the last quarter of a part.
const CUT_WITHIN: usize = 4;

/// Length of a quiet place, in samples.
const QUIET: usize = SECOND / 4;

/// A part whose loudest place is below this (root mean square, full scale is 1) is silence: the engine would invent words.
const SILENCE: f32 = 0.002;

/// Longest line of the transcript, in seconds.
const LINE_S: f64 = 12.0;

/// A pause of so many seconds begins a new line.
const PAUSE_S: f64 = 0.7;

/// Lines below this mean confidence (0 to 1) are left out: noise.
const LEAST_CONFIDENCE: f64 = 0.05;

/// A word as it stands in [`Segment::words`], in the form of the speech service. Times in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Word {
    word: String,
    start: f64,
    end: f64,
    confidence: f64,
}

impl Toolbox {
    /// Whether [`Toolbox::draft_transcript`] can run on this machine.
    pub fn has_draft_engine(&self) -> bool {
        crate::programs::find(PROGRAM).is_some()
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
        let mut parts = Parts::new(
            self.decode_pcm(path, cancel).await?,
            self.limits().draft_part_s,
        );
        let mut segments = Vec::new();
        while let Some((start_s, samples)) = parts.next().await? {
            if !is_silent(&samples) {
                let said = self.draft_part(&samples, cancel).await?;
                segments.extend(lines(&said, start_s));
            }
            if let Some(duration) = duration {
                progress(parts.share(duration));
            }
        }
        Ok(segments)
    }

    /// What the engine says of one part.
    async fn draft_part(
        &self,
        samples: &[f32],
        cancel: &CancellationToken,
    ) -> Result<String, ToolError> {
        let folder = self.scratch_folder("draft-")?;
        let wave = folder.path().join("part.wav");
        tokio::fs::write(&wave, wave_file(samples))
            .await
            .map_err(ToolError::io("cannot write", &wave))?;
        let fence = self.fence(PROGRAM, self.limits().draft_part).arg("-infile");
        let output = fence
            .path(&wave)
            .args(["-time", "yes", "-logfn", "/dev/null"])
            .run(cancel)
            .await?;
        Ok(output.text())
    }
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

/// Middle of the quietest place near the end, as an index.
fn quietest_place(samples: &[f32]) -> usize {
    let first = samples.len() - samples.len() / CUT_WITHIN;
    let places = samples[first..].chunks_exact(QUIET).map(loudness);
    let quietest = places.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    match quietest {
        Some((place, _)) => first + place * QUIET + QUIET / 2,
        None => samples.len(),
    }
}

fn is_silent(samples: &[f32]) -> bool {
    samples.chunks(QUIET).all(|place| loudness(place) < SILENCE)
}

/// Root mean square.
fn loudness(samples: &[f32]) -> f32 {
    let sum = samples.iter().map(|s| s * s).sum::<f32>();
    (sum / samples.len().max(1) as f32).sqrt()
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
    let mut file = Vec::with_capacity(data.len() + 44);
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

/// The engine prints an utterance as a line of text, then `word start end confidence` for each word.
fn lines(said: &str, start_s: f64) -> Vec<Segment> {
    let (mut segments, mut line) = (Vec::new(), Vec::<Word>::new());
    for row in said.lines() {
        let word = word(row, start_s);
        let goes_on = match (&word, line.first(), line.last()) {
            (Some(word), Some(first), Some(last)) => {
                word.end - first.start <= LINE_S && word.start - last.end < PAUSE_S
            }
            (Some(_), _, _) => true,
            (None, _, _) => is_filler(row),
        };
        if !goes_on {
            segments.extend(segment(&std::mem::take(&mut line)));
        }
        line.extend(word);
    }
    segments.extend(segment(&line));
    segments
}

/// `can(2) 6.430 6.670 0.027331`: the number in brackets is a pronunciation.
fn word(row: &str, start_s: f64) -> Option<Word> {
    let [word, start, end, confidence] = row.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let (start, end) = (start.parse::<f64>().ok()?, end.parse::<f64>().ok()?);
    let confidence = confidence.parse::<f64>().ok()?;
    if is_filler(word) {
        return None;
    }
    Some(Word {
        word: word.split('(').next().unwrap_or(word).to_owned(),
        start: milliseconds(start_s + start),
        end: milliseconds(start_s + end.max(start)),
        confidence: confidence.clamp(0.0, 1.0),
    })
}

/// Silence and noise: `<s>`, `<sil>`, `[NOISE]`, `++UM++`.
fn is_filler(row: &str) -> bool {
    row.starts_with(['<', '[', '+'])
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn segment(words: &[Word]) -> Option<Segment> {
    let (first, last) = (words.first()?, words.last()?);
    let confidence = words.iter().map(|word| word.confidence).sum::<f64>() / words.len() as f64;
    (confidence >= LEAST_CONFIDENCE).then(|| Segment {
        start_s: first.start,
        end_s: last.end,
        text: words
            .iter()
            .map(|word| word.word.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        words: serde_json::to_value(words).ok(),
        confidence: Some(milliseconds(confidence)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "what your country\n<s> 0.000 0.040 0.999\nwhat 0.350 0.600 0.3\nyour(2) 0.610 0.850 0.7\n<sil> 0.860 0.900 0.8\n\
        country 0.910 1.420 0.5\n</s> 1.430 1.500 1.0\ncan do\ncan 5.000 5.200 0.5\ndo 6.000 6.100 0.5\nla la\nla 9.0 9.1 0.001\nla 9.1 9.2 0.002\n";

    #[test]
    fn utterances_and_pauses_make_lines() {
        let segments = lines(SAID, 100.0);
        let texts = segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts, ["what your country", "can", "do"], "and no noise");
        assert_eq!((segments[0].start_s, segments[0].end_s), (100.35, 101.42));
        assert_eq!(segments[0].confidence, Some(0.5));
        assert_eq!(segments[0].words.as_ref().unwrap()[1]["word"], "your");
    }

    #[test]
    fn no_line_is_longer_than_it_may_be() {
        let said = (0..60)
            .map(|n| format!("word {n}.0 {n}.9 0.9\n"))
            .collect::<String>();
        let segments = lines(&said, 0.0);
        assert_eq!(segments.len(), 5);
        assert!(segments.iter().all(|s| s.end_s - s.start_s <= LINE_S));
        assert!(segments.is_sorted_by(|a, b| a.end_s <= b.start_s));
    }

    #[test]
    fn a_part_is_cut_where_it_is_quiet() {
        let mut samples = vec![0.5; 60 * SECOND];
        let quiet = 50 * SECOND;
        samples[quiet..quiet + SECOND].fill(0.0);
        let cut = quietest_place(&samples);
        assert!((quiet..quiet + SECOND).contains(&cut), "{cut}");
        assert!(!is_silent(&samples) && is_silent(&samples[quiet..quiet + SECOND]));
    }

    #[test]
    fn the_wave_file_says_how_long_it_is() {
        let file = wave_file(&[0.0, 1.0, -1.0]);
        assert_eq!(file.len(), 44 + 6);
        assert_eq!(&file[40..44], &6_u32.to_le_bytes());
        assert_eq!(&file[46..48], &i16::MAX.to_le_bytes());
    }
}
