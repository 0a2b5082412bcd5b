//! Cuts a recording of any length into stretches that fit into memory, at quiet places.

use crate::audio::{AudioError, Pcm};
use crate::engine::SAMPLE_RATE;

/// The longest stretch that is in memory at once, in seconds: five minutes, 19 MB. Lines go out stretch by stretch.
pub const WINDOW_SECONDS: usize = 300;
/// How far back from the end of a full stretch a quiet place is looked for.
const CUT_SEARCH: usize = 30 * SAMPLE_RATE;
/// The length of sound whose loudness is compared: a short pause between sentences.
const PAUSE: usize = SAMPLE_RATE / 4;
/// Samples asked of the decoder at a time.
const READ: usize = SAMPLE_RATE;

/// A stretch of the recording.
#[derive(Debug)]
pub struct Window {
    /// Where it begins, in samples.
    pub start: usize,
    /// 16 kHz mono.
    pub samples: Vec<f32>,
}

/// The stretches of a recording, one after the other.
pub struct Windows {
    source: Box<dyn Pcm>,
    rest: Vec<f32>,
    start: usize,
    limit: usize,
    ended: bool,
}

impl Windows {
    /// Windows of at most `limit` samples (at least half a second's worth).
    pub fn new(source: Box<dyn Pcm>, limit: usize) -> Self {
        Self {
            source,
            rest: Vec::new(),
            start: 0,
            limit: limit.max(2 * PAUSE),
            ended: false,
        }
    }

    /// How many samples were given out: at the end, the length of the recording.
    pub fn position(&self) -> usize {
        self.start
    }

    /// The next stretch, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Window>, AudioError> {
        while !self.ended && self.rest.len() < self.limit {
            let wanted = READ.min(self.limit - self.rest.len());
            self.ended = self.source.read(&mut self.rest, wanted).await? == 0;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let cut = if self.ended {
            self.rest.len()
        } else {
            quiet_place(&self.rest)
        };
        let later = self.rest.split_off(cut);
        let window = Window {
            start: self.start,
            samples: std::mem::replace(&mut self.rest, later),
        };
        self.start += window.samples.len();
        Ok(Some(window))
    }
}

/// The middle of the quietest moment near the end.
fn quiet_place(samples: &[f32]) -> usize {
    let from = samples
        .len()
        .saturating_sub(CUT_SEARCH)
        .max(samples.len() / 2);
    let step = PAUSE / 4;
    (from..=samples.len() - PAUSE)
        .step_by(step)
        .map(|at| (energy(&samples[at..at + PAUSE]), at))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(samples.len(), |(_, at)| at + PAUSE / 2)
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::testing::Samples;

    /// Loud everywhere but in the half second after `second`.
    fn speech(seconds: usize, pause_at: usize) -> Vec<f32> {
        let mut samples = vec![0.5; seconds * SAMPLE_RATE];
        let from = pause_at * SAMPLE_RATE;
        samples[from..from + SAMPLE_RATE / 2].fill(0.0);
        samples
    }

    async fn cut(samples: Vec<f32>, limit: usize) -> Vec<Window> {
        let mut windows = Windows::new(Box::new(Samples::new(samples)), limit);
        let mut all = Vec::new();
        while let Some(window) = windows.next().await.unwrap() {
            all.push(window);
        }
        all
    }

    #[tokio::test]
    async fn a_short_recording_is_one_window() {
        let all = cut(speech(5, 2), 10 * SAMPLE_RATE).await;
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].start, all[0].samples.len()), (0, 5 * SAMPLE_RATE));
        assert!(cut(Vec::new(), 10 * SAMPLE_RATE).await.is_empty());
    }

    #[tokio::test]
    async fn a_long_one_is_cut_in_the_pause_and_nothing_is_lost() {
        let all = cut(speech(25, 8), 10 * SAMPLE_RATE).await;
        let first_cut = all[1].start;
        assert!(
            (8 * SAMPLE_RATE..8 * SAMPLE_RATE + SAMPLE_RATE / 2).contains(&first_cut),
            "{first_cut}"
        );
        let mut expected = 0;
        for window in &all {
            assert_eq!(window.start, expected);
            assert!(window.samples.len() <= 10 * SAMPLE_RATE);
            expected += window.samples.len();
        }
        assert_eq!(expected, 25 * SAMPLE_RATE);
    }
}
