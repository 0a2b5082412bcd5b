//! Where somebody speaks: by loudness alone, which is enough to find the pauses.

use std::ops::Range;

use super::SECOND;

/// Loudness is measured over so many samples (30 ms).
const FRAME: usize = SECOND * 3 / 100;

/// Below this loudness (root mean square, full scale is 1) it is silence.
const SILENCE: f32 = 0.002;

/// Speech is so much louder than the quietest tenth of the part.
const ABOVE_FLOOR: f32 = 3.0;

/// Pauses shorter than this are part of an utterance.
const PAUSE: usize = SECOND / 2;

/// Shorter sounds are knocks and clicks.
const SHORTEST: usize = SECOND / 5;

/// Quiet that is left around an utterance; twice this is less than a pause.
const MARGIN: usize = SECOND / 5;

/// Longest utterance: the engine's memory and time grow with it.
const LONGEST: usize = 20 * SECOND;

/// Length of a quiet place.
const QUIET: usize = SECOND / 4;

/// The utterances of a part as ranges of samples, in order.
pub(super) fn utterances(samples: &[f32]) -> Vec<Range<usize>> {
    let loud = samples.chunks(FRAME).map(loudness).collect::<Vec<_>>();
    let least = least_of_speech(&loud);
    let mut found = Vec::<Range<usize>>::new();
    for (frame, _) in loud
        .iter()
        .enumerate()
        .filter(|(_, loudness)| **loudness >= least)
    {
        let (start, end) = (frame * FRAME, (frame + 1) * FRAME);
        match found.last_mut() {
            Some(last) if start - last.end < PAUSE => last.end = end,
            _ => found.push(start..end),
        }
    }
    found
        .into_iter()
        .filter(|utterance| utterance.len() >= SHORTEST)
        .map(|utterance| {
            utterance.start.saturating_sub(MARGIN)..samples.len().min(utterance.end + MARGIN)
        })
        .flat_map(|utterance| bounded(samples, utterance))
        .collect()
}

/// The loudness from which on it is speech.
fn least_of_speech(loud: &[f32]) -> f32 {
    let mut sorted = loud.to_vec();
    sorted.sort_by(f32::total_cmp);
    let floor = sorted.get(sorted.len() / 10).copied().unwrap_or(0.0);
    (floor * ABOVE_FLOOR).max(SILENCE)
}

/// The utterance in pieces of at most [`LONGEST`], cut at quiet places.
fn bounded(samples: &[f32], mut utterance: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    while utterance.len() > LONGEST {
        let cut =
            utterance.start + quietest_place(&samples[utterance.start..utterance.start + LONGEST]);
        pieces.push(utterance.start..cut);
        utterance.start = cut;
    }
    pieces.push(utterance);
    pieces
}

/// Middle of the quietest place in the last quarter, as an index.
pub(super) fn quietest_place(samples: &[f32]) -> usize {
    let first = samples.len() - samples.len() / 4;
    let places = samples[first..].chunks_exact(QUIET).map(loudness);
    let quietest = places.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    match quietest {
        Some((place, _)) => first + place * QUIET + QUIET / 2,
        None => samples.len(),
    }
}

/// Root mean square.
fn loudness(samples: &[f32]) -> f32 {
    let sum = samples.iter().map(|s| s * s).sum::<f32>();
    (sum / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loud where the seconds say, else quiet.
    fn sound(length_s: usize, loud: &[Range<f64>]) -> Vec<f32> {
        let mut samples = vec![0.0005; length_s * SECOND];
        for range in loud {
            let at = |second: f64| (second * SECOND as f64) as usize;
            samples[at(range.start)..at(range.end)].fill(0.3);
        }
        samples
    }

    #[test]
    fn pauses_part_utterances_and_clicks_are_none() {
        let samples = sound(10, &[1.0..2.0, 2.3..3.0, 5.0..6.0, 8.0..8.05]);
        let found = utterances(&samples);
        let seconds = found
            .iter()
            .map(|u| (u.start as f64 / SECOND as f64, u.end as f64 / SECOND as f64));
        let expected = [(0.8, 3.2), (4.8, 6.2)];
        assert_eq!(found.len(), 2, "{found:?}");
        for ((start, end), (wanted_start, wanted_end)) in seconds.zip(expected) {
            assert!(
                (start - wanted_start).abs() < 0.05 && (end - wanted_end).abs() < 0.05,
                "{start} {end}"
            );
        }
    }

    #[test]
    fn silence_and_steady_noise_are_no_speech() {
        assert!(utterances(&sound(5, &[])).is_empty());
        assert!(utterances(&vec![0.2; 5 * SECOND]).is_empty());
        assert!(utterances(&[]).is_empty());
    }

    #[test]
    fn long_speech_is_cut_where_it_is_quiet() {
        let mut samples = sound(60, &[5.0..55.0]);
        let dip = 22 * SECOND..22 * SECOND + QUIET * 2;
        samples[dip.clone()].fill(0.01);
        let found = utterances(&samples);
        assert!(
            found.len() >= 3 && found.iter().all(|u| u.len() <= LONGEST),
            "{found:?}"
        );
        assert!(dip.contains(&found[0].end), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
