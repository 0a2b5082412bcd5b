//! Splits a text into passages: what search shows, and what gets a vector.

use model::{Chunk, Segment};
use unicode_segmentation::GraphemeCursor;

/// Length a passage aims at, in characters.
const TARGET_CHARS: usize = 1000;

/// A rest up to this long is not split again.
const MAX_CHARS: usize = 1300;

/// No passage ends before this, unless its page does.
const MIN_CHARS: usize = 500;

/// Seconds of a recording in one passage.
const PASSAGE_SECONDS: f64 = 30.0;

/// How far past the last found line a transcript line is looked for in the text, in bytes.
const LINE_REACH: usize = 4096;

/// The page separator of extracted text.
const FORM_FEED: char = '\u{c}';

/// Splits extracted text into passages, in the order of the text.
///
/// Pages are counted from 1 by the form feeds (U+000C) in the text; a text without any has no pages and `page` is `None`. No
/// passage spans two pages. With the `segments` of a recording the passages are groups of lines of about 30 seconds, with the
/// second each begins at. Offsets count Unicode scalar values of `text`.
pub fn passages(text: &str, segments: &[Segment]) -> Vec<Chunk> {
    if segments.is_empty() {
        return text_passages(text);
    }
    let mut places = Places::new(text);
    grouped(segments)
        .map(|group| places.passage(group))
        .collect()
}

fn text_passages(text: &str) -> Vec<Chunk> {
    let paged = text.contains(FORM_FEED);
    let mut chunks = Vec::new();
    let mut chars_before = 0;
    for (number, page) in (1_i64..).zip(text.split(FORM_FEED)) {
        let page_number = paged.then_some(number);
        chars_before = split_page(page, page_number, chars_before, &mut chunks) + 1;
    }
    chunks
}

/// Adds a page's passages; gives the number of characters before the page's end.
fn split_page(page: &str, number: Option<i64>, chars_before: i64, chunks: &mut Vec<Chunk>) -> i64 {
    let mut rest = page;
    let mut offset = chars_before;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(end_of_passage(rest));
        chunks.extend(chunk(part, number, offset));
        offset += count(part);
        rest = after;
    }
    offset
}

/// The passage in `part` without the white space around it; `None` when nothing is left.
fn chunk(part: &str, page: Option<i64>, offset: i64) -> Option<Chunk> {
    let text = part.trim();
    let lead = part.len() - part.trim_start().len();
    let char_start = offset + count(&part[..lead]);
    (!text.is_empty()).then(|| Chunk {
        text: text.to_owned(),
        page,
        start_s: None,
        char_start,
        char_end: char_start + count(text),
    })
}

/// Byte offset at which the first passage of `text` ends: after a paragraph, else a line or sentence, else a word.
fn end_of_passage(text: &str) -> usize {
    if byte_of_char(text, MAX_CHARS) == text.len() {
        return text.len();
    }
    let least = byte_of_char(text, MIN_CHARS);
    let window = &text[least..byte_of_char(text, TARGET_CHARS)];
    let cut = window
        .rfind("\n\n")
        .map(|at| at + 2)
        .or_else(|| last_sentence_end(window))
        .or_else(|| window.rfind(char::is_whitespace).map(|at| at + 1))
        .unwrap_or(window.len());
    boundary_at_or_before(text, least + cut)
}

/// Byte offset after the last line end, or sentence end with white space behind it (the CJK full stop needs none).
fn last_sentence_end(text: &str) -> Option<usize> {
    let mut end = None;
    let mut after_stop = false;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if matches!(c, '\n' | '。' | '！' | '？') || (after_stop && c.is_whitespace()) {
            end = Some(next);
        }
        let closing = after_stop && matches!(c, '"' | '\'' | '”' | '’' | ')' | ']');
        after_stop = matches!(c, '.' | '!' | '?') || closing;
    }
    end
}

/// `at`, moved back where it would cut one visible character in two (or a white space character).
fn boundary_at_or_before(text: &str, at: usize) -> usize {
    let at = (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    match cursor.is_boundary(text, 0) {
        Ok(false) => match cursor.prev_boundary(text, 0) {
            // A "character" as long as the passage is noise; cutting it harms nobody.
            Ok(Some(before)) if before > 0 => before,
            _ => at,
        },
        _ => at,
    }
}

fn byte_of_char(text: &str, index: usize) -> usize {
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(at, _)| at)
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// Transcript lines in groups of about [`PASSAGE_SECONDS`], none longer than [`MAX_CHARS`] unless one line is.
fn grouped(segments: &[Segment]) -> impl Iterator<Item = &[Segment]> {
    let mut rest = segments;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let mut chars = 0;
        let size = rest
            .iter()
            .take_while(|line| {
                chars += line.text.chars().count();
                line.start_s - first.start_s < PASSAGE_SECONDS && chars <= MAX_CHARS
            })
            .count()
            .max(1);
        let (group, after) = rest.split_at(size);
        rest = after;
        Some(group)
    })
    .filter(|group| group.iter().any(|line| !line.text.trim().is_empty()))
}

/// Finds transcript lines in the text they were joined to.
struct Places<'a> {
    text: &'a str,
    /// Byte up to which lines are found, and the same in characters.
    at: usize,
    chars: i64,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            chars: 0,
        }
    }

    fn passage(&mut self, group: &[Segment]) -> Chunk {
        let lines: Vec<&str> = group.iter().map(|line| line.text.trim()).collect();
        let found: Vec<_> = lines.iter().filter_map(|line| self.find(line)).collect();
        let (char_start, char_end) = match (found.first(), found.last()) {
            (Some(first), Some(last)) => (first.0, last.1),
            _ => (self.chars, self.chars),
        };
        Chunk {
            text: lines.join("\n"),
            page: None,
            start_s: group.first().map(|line| line.start_s),
            char_start,
            char_end,
        }
    }

    /// The next place of the line, in characters.
    fn find(&mut self, line: &str) -> Option<(i64, i64)> {
        let rest = &self.text[self.at..];
        let reach = (LINE_REACH + line.len()).min(rest.len());
        let reach = (reach..=rest.len()).find(|at| rest.is_char_boundary(*at))?;
        let start = rest[..reach].find(line)?;
        let char_start = self.chars + count(&rest[..start]);
        self.at += start + line.len();
        self.chars = char_start + count(line);
        Some((char_start, self.chars))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(text: &str, chunk: &Chunk) -> String {
        let start = usize::try_from(chunk.char_start).unwrap();
        let end = usize::try_from(chunk.char_end).unwrap();
        text.chars().skip(start).take(end - start).collect()
    }

    fn line(start_s: f64, text: &str) -> Segment {
        Segment {
            start_s,
            end_s: start_s + 5.0,
            text: text.into(),
            words: None,
            confidence: None,
        }
    }

    #[test]
    fn passages_end_at_sentences_and_lie_where_they_say() {
        let text =
            "오늘 회의에서는 예산을 다루었다. The budget was discussed at length. ".repeat(100);
        let chunks = passages(&text, &[]);
        assert!(chunks.len() > 3);
        for chunk in &chunks {
            assert_eq!(slice(&text, chunk), chunk.text);
            assert!(chunk.text.ends_with('.'), "{:?}", chunk.text);
            assert!(chunk.text.chars().count() <= MAX_CHARS);
            assert_eq!(chunk.page, None);
        }
        let kept: usize = chunks
            .iter()
            .map(|chunk| chunk.text.split_whitespace().count())
            .sum();
        assert_eq!(kept, text.split_whitespace().count());
    }

    #[test]
    fn pages_are_counted_from_one_and_empty_ones_count() {
        let chunks = passages("one\u{c}\n\u{c}셋\u{c}", &[]);
        let seen: Vec<_> = chunks
            .iter()
            .map(|c| (c.text.as_str(), c.page, c.char_start, c.char_end))
            .collect();
        assert_eq!(seen, [("one", Some(1), 0, 3), ("셋", Some(3), 6, 7)]);
    }

    #[test]
    fn a_text_without_any_break_is_cut_between_characters() {
        let decomposed = "\u{1112}\u{116c}".repeat(2000);
        let chunks = passages(&decomposed, &[]);
        assert!(chunks.len() > 2);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk.text.starts_with('\u{1112}'))
        );
        assert_eq!(
            chunks.iter().map(|c| c.text.as_str()).collect::<String>(),
            decomposed
        );
        assert!(passages(&"\u{301}".repeat(5000), &[]).len() > 1);
        assert!(passages("", &[]).is_empty());
        assert!(passages(" \n ", &[]).is_empty());
    }

    #[test]
    fn a_recording_is_grouped_by_seconds() {
        let lines = [
            line(0.0, "안녕하세요"),
            line(12.0, " 회의를 시작합니다 "),
            line(31.0, "first item"),
            line(40.0, ""),
        ];
        let text = "안녕하세요\n회의를 시작합니다\nfirst item";
        let chunks = passages(text, &lines);
        assert_eq!(chunks.len(), 2);
        assert_eq!(
            (chunks[0].start_s, chunks[1].start_s),
            (Some(0.0), Some(31.0))
        );
        assert_eq!(chunks[0].text, "안녕하세요\n회의를 시작합니다");
        assert_eq!(slice(text, &chunks[0]), chunks[0].text);
        assert_eq!(slice(text, &chunks[1]), "first item");
    }

    #[test]
    fn lines_that_are_not_in_the_text_still_make_passages() {
        let chunks = passages("something else", &[line(3.0, "회의"), line(50.0, "록")]);
        let seen: Vec<_> = chunks
            .iter()
            .map(|c| (c.text.as_str(), c.start_s))
            .collect();
        assert_eq!(seen, [("회의", Some(3.0)), ("록", Some(50.0))]);
    }
}
