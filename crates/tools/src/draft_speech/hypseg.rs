//! What pocketsphinx says of each utterance, as lines with times.

use model::Segment;
use serde::Serialize;

/// Frames of the engine in a second.
const FRAMES_PER_S: f64 = 100.0;

/// Longest line of the transcript, in seconds.
const LINE_S: f64 = 12.0;

/// From so many seconds on a line ends at the next breath.
const ENOUGH_S: f64 = 2.5;

/// Shortest breath between two words, in seconds.
const BREATH_S: f64 = 0.15;

/// A word as it stands in [`Segment::words`], in the form of the speech service. Times in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Word {
    word: String,
    start: f64,
    end: f64,
}

/// The lines of all utterances. `starts` holds the second each utterance starts at.
pub(super) fn segments(said: &str, starts: &[f64]) -> Vec<Segment> {
    said.lines()
        .filter_map(|row| utterance(row, starts))
        .flat_map(|words| lines(&words))
        .collect()
}

/// `NUMBER S 0 T n A n L n`, then `FRAME n n WORD` for each word, then the last frame. A word ends where the next begins.
fn utterance(row: &str, starts: &[f64]) -> Option<Vec<Word>> {
    let mut columns = row.split_whitespace();
    let start_s = *starts.get(columns.next()?.parse::<usize>().ok()?)?;
    let columns = columns
        .skip_while(|column| *column != "L")
        .skip(2)
        .collect::<Vec<_>>();
    let second = |column: &str| Some(start_s + column.parse::<f64>().ok()? / FRAMES_PER_S);
    let mut words = Vec::new();
    for (number, word) in columns.chunks_exact(4).enumerate() {
        let next = columns.get(4 * number + 4)?;
        if !is_filler(word[3]) {
            words.push(Word {
                word: word[3].split('(').next().unwrap_or(word[3]).to_owned(),
                start: milliseconds(second(word[0])?),
                end: milliseconds(second(next)?),
            });
        }
    }
    Some(words)
}

/// Silence and noise: `<s>`, `<sil>`, `[NOISE]`, `++UM++`.
fn is_filler(word: &str) -> bool {
    word.starts_with(['<', '[', '+'])
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// An utterance in lines of at most [`LINE_S`], cut at breaths.
fn lines(words: &[Word]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut first = 0;
    for number in 1..words.len() {
        let (start, last, word) = (words[first].start, &words[number - 1], &words[number]);
        let breath = last.end - start >= ENOUGH_S && word.start - last.end >= BREATH_S;
        if breath || word.end - start > LINE_S {
            segments.extend(segment(&words[first..number]));
            first = number;
        }
    }
    segments.extend(segment(&words[first..]));
    segments
}

fn segment(words: &[Word]) -> Option<Segment> {
    let (first, last) = (words.first()?, words.last()?);
    let text = words
        .iter()
        .map(|word| word.word.as_str())
        .collect::<Vec<_>>();
    Some(Segment {
        start_s: first.start,
        end_s: last.end,
        text: text.join(" "),
        words: serde_json::to_value(words).ok(),
        confidence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "0 S 0 T -40 A -35 L -42 0 -4 0 <s> 8 -4 -5 <sil> 29 -1 -242 and(2) 65 -1 -447 while 98 -1 -5 [NOISE] 120 -7 -169 </s> 130\n\
        1 S 0 T -1 A -1 L -1 0 -4 0 <s> 8 -4 -5 </s> 20\n2 S 0 T -1 A -1 L -1 10 -4 0 done 30\n9 S 0 T 0 A 0 L 0 1 1 1 stray 2\n(3 -1)\n";

    #[test]
    fn words_have_their_seconds() {
        let segments = segments(SAID, &[100.0, 102.0, 104.0]);
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[0].text, "and while");
        assert_eq!((segments[0].start_s, segments[0].end_s), (100.29, 100.98));
        assert_eq!(segments[0].words.as_ref().unwrap()[1]["start"], 100.65);
        assert_eq!(
            (segments[1].text.as_str(), segments[1].end_s),
            ("done", 104.3)
        );
    }

    #[test]
    fn a_breath_ends_a_line_that_is_long_enough() {
        let said =
            "0 S 0 T 0 A 0 L 0 0 1 1 one 100 1 1 <sil> 150 1 1 two 300 1 1 <sil> 330 1 1 three 400";
        let segments = segments(said, &[0.0]);
        let texts = segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts, ["one two", "three"]);
    }

    #[test]
    fn no_line_is_longer_than_it_may_be() {
        let words = (0..60)
            .map(|n| format!("{}00 1 1 word ", n))
            .collect::<String>();
        let segments = segments(&format!("0 S 0 T 0 A 0 L 0 {words} 6000"), &[0.0]);
        assert_eq!(segments.len(), 5);
        assert!(segments.iter().all(|s| s.end_s - s.start_s <= LINE_S));
        assert!(segments.is_sorted_by(|a, b| a.end_s <= b.start_s));
    }
}
