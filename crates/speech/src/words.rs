//! From the engine's tokens to words with times.
//!
//! A token is a handful of bytes: part of a word, or even part of a character. A word begins at a blank; scripts that
//! write without blanks (Chinese, Japanese) get a word for each whole token.

use serde::Serialize;

/// One token of text as the engine gave it. Times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Bytes that need not be whole characters.
    pub bytes: Vec<u8>,
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// 0 to 1.
    pub probability: f64,
}

/// One spoken word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// Without blanks around it.
    pub word: String,
    /// Seconds from the start of the recording.
    pub start: f64,
    /// Seconds from the start of the recording.
    pub end: f64,
    /// 0 to 1: the mean probability of its tokens.
    pub confidence: f64,
}

/// Joins pieces to words.
pub fn words(pieces: &[Piece]) -> Vec<Word> {
    let mut groups: Vec<Vec<&Piece>> = Vec::new();
    for piece in pieces {
        match groups.last_mut() {
            Some(group) if !begins_word(group, piece) => group.push(piece),
            _ => groups.push(vec![piece]),
        }
    }
    groups.iter().filter_map(|group| word(group)).collect()
}

fn begins_word(group: &[&Piece], next: &Piece) -> bool {
    if next.bytes.starts_with(b" ") {
        return true;
    }
    let so_far = joined(group);
    let Ok(text) = std::str::from_utf8(&so_far) else {
        return false; // in the middle of a character
    };
    let follows = String::from_utf8_lossy(&next.bytes);
    text.chars().next_back().is_some_and(stands_alone)
        && follows
            .chars()
            .next()
            .is_some_and(|c| stands_alone(c) || c == char::REPLACEMENT_CHARACTER)
}

/// Whether the script of `c` writes words without blanks between them.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn joined(group: &[&Piece]) -> Vec<u8> {
    group
        .iter()
        .flat_map(|piece| piece.bytes.iter().copied())
        .collect()
}

fn word(group: &[&Piece]) -> Option<Word> {
    let text = String::from_utf8_lossy(&joined(group)).trim().to_owned();
    let (first, last) = (group.first()?, group.last()?);
    (!text.is_empty()).then(|| Word {
        word: text,
        start: first.start,
        end: last.end.max(first.start),
        confidence: mean_probability(group.iter().copied()),
    })
}

/// The mean probability of some tokens; 0 for none.
pub fn mean_probability<'a>(pieces: impl Iterator<Item = &'a Piece>) -> f64 {
    let (sum, count) = pieces.fold((0.0, 0u32), |(sum, count), piece| {
        (sum + piece.probability, count + 1)
    });
    sum / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&[u8]]) -> Vec<Piece> {
        parts
            .iter()
            .enumerate()
            .map(|(i, bytes)| Piece {
                bytes: bytes.to_vec(),
                start: i as f64,
                end: i as f64 + 1.0,
                probability: 0.5,
            })
            .collect()
    }

    fn texts(parts: &[&[u8]]) -> Vec<String> {
        words(&pieces(parts))
            .into_iter()
            .map(|word| word.word)
            .collect()
    }

    #[test]
    fn a_word_begins_at_a_blank() {
        assert_eq!(
            texts(&[b" Hel", b"lo", b",", b" world", b"."]),
            ["Hello,", "world."]
        );
        let joined = words(&pieces(&[b" Hel", b"lo", b" world"]));
        assert_eq!((joined[0].start, joined[0].end), (0.0, 2.0));
        assert_eq!(
            (joined[1].start, joined[1].end, joined[1].confidence),
            (2.0, 3.0, 0.5)
        );
    }

    #[test]
    fn a_korean_syllable_split_over_tokens_is_whole_again() {
        let text = " 회의 시작".as_bytes();
        assert_eq!(
            texts(&[
                &text[..2],
                &text[2..5],
                &text[5..7],
                &text[7..9],
                &text[9..]
            ]),
            ["회의", "시작"]
        );
    }

    #[test]
    fn japanese_and_chinese_go_token_by_token() {
        let third = "始".as_bytes();
        assert_eq!(
            texts(&[
                "会議".as_bytes(),
                "を".as_bytes(),
                &third[..2],
                &third[2..],
                "。".as_bytes()
            ]),
            ["会議", "を", "始。"]
        );
    }

    #[test]
    fn blanks_alone_are_no_word() {
        assert_eq!(texts(&[b" ", b" "]), Vec::<String>::new());
    }
}
