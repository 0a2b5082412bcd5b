//! The stretch of a passage that shows the match, as HTML.

use std::collections::HashMap;
use std::ops::Range;

use tantivy::tokenizer::Token;

use crate::needle::Needle;
use crate::plan::Clause;
use crate::tokenizer::tokens;

/// Characters shown.
const SHOWN_CHARS: usize = 200;

/// Characters shown before the first match, where there are so many.
const LEAD_CHARS: usize = 40;

/// How far an end may move to fall between words, in characters.
const SNAP_CHARS: usize = 20;

/// A stretch of text with the matches in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// Escaped, with `<mark>` as its only element.
    pub html: String,
    /// Byte offset in the passage of the first match shown; `None` where nothing matches.
    pub first_match: Option<usize>,
}

/// Bytes of the text that match a clause.
#[derive(Clone, Debug)]
struct Match {
    bytes: Range<usize>,
    clause: usize,
}

/// Cuts the stretch with the most different matches out of `text`.
pub(crate) fn snippet(text: &str, clauses: &[Clause]) -> Snippet {
    let matches = find(text, clauses);
    let shown = stretch(text, densest(text, &matches));
    let marks = merged(&matches, &shown);
    Snippet {
        html: render(text, &shown, &marks),
        first_match: marks.first().map(|mark| mark.start),
    }
}

/// Every match, in the order of the text.
fn find(text: &str, clauses: &[Clause]) -> Vec<Match> {
    let tokens = tokens(text);
    let mut at_position: HashMap<usize, Vec<&Token>> = HashMap::new();
    for token in &tokens {
        at_position.entry(token.position).or_default().push(token);
    }
    let mut matches: Vec<Match> = Vec::new();
    for (clause, needles) in clauses.iter().enumerate() {
        for needle in needles {
            let ends = tokens
                .iter()
                .filter_map(|first| Some(first.offset_from..end_of(needle, first, &at_position)?));
            matches.extend(ends.map(|bytes| Match { bytes, clause }));
        }
    }
    matches.sort_by_key(|found| (found.bytes.start, found.bytes.end));
    matches
}

/// Byte offset at which the needle that begins with `first` ends; `None` where it does not begin there.
fn end_of(
    needle: &Needle,
    first: &Token,
    at_position: &HashMap<usize, Vec<&Token>>,
) -> Option<usize> {
    let last = needle.terms.len() - 1;
    let fits = |at: usize, token: &Token| {
        let term = &needle.terms[at].1;
        token.text == *term
            || (needle.prefix && at == last && token.text.starts_with(term.as_str()))
    };
    if !fits(0, first) {
        return None;
    }
    let mut end = first.offset_to;
    for at in 1..=last {
        let position = first.position + needle.terms[at].0 - needle.terms[0].0;
        let token = at_position
            .get(&position)?
            .iter()
            .find(|token| fits(at, token))?;
        end = token.offset_to;
    }
    Some(end)
}

/// Byte offset of the match from which on most clauses are met within what is shown; 0 without a match.
fn densest(text: &str, matches: &[Match]) -> usize {
    let reach = SHOWN_CHARS - LEAD_CHARS;
    let mut best = (0, 0);
    for (at, first) in matches.iter().enumerate() {
        let end = forward(text, first.bytes.start, reach);
        let near = || {
            matches[at..]
                .iter()
                .take_while(|found| found.bytes.start < end)
                .filter(|found| found.bytes.end <= end)
        };
        let clauses: std::collections::HashSet<usize> = near().map(|found| found.clause).collect();
        if clauses.len() > best.0 {
            best = (clauses.len(), first.bytes.start);
        }
    }
    best.1
}

/// The bytes to show around the match at `first`, ends between words where possible.
fn stretch(text: &str, first: usize) -> Range<usize> {
    let start = back(text, first, LEAD_CHARS);
    let start = if start == 0 {
        0
    } else {
        after_space(text, start, first)
    };
    let end = forward(text, start, SHOWN_CHARS);
    let end = if end == text.len() {
        end
    } else {
        before_space(text, first, end)
    };
    start..end
}

/// Just after the first white space from `at` on, not past `limit`.
fn after_space(text: &str, at: usize, limit: usize) -> usize {
    let reach = forward(text, at, SNAP_CHARS).min(limit);
    text[at..reach]
        .char_indices()
        .find(|(_, c)| c.is_whitespace())
        .map_or(at, |(offset, c)| at + offset + c.len_utf8())
}

/// The last white space before `at`, not before `limit`.
fn before_space(text: &str, limit: usize, at: usize) -> usize {
    let reach = back(text, at, SNAP_CHARS).max(limit);
    text[reach..at]
        .rfind(char::is_whitespace)
        .map_or(at, |offset| reach + offset)
}

fn forward(text: &str, from: usize, chars: usize) -> usize {
    text[from..]
        .char_indices()
        .nth(chars)
        .map_or(text.len(), |(at, _)| from + at)
}

fn back(text: &str, from: usize, chars: usize) -> usize {
    text[..from]
        .char_indices()
        .rev()
        .nth(chars.saturating_sub(1))
        .map_or(0, |(at, _)| at)
}

/// The matches within `shown`, those that overlap or touch as one.
fn merged(matches: &[Match], shown: &Range<usize>) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    for found in matches {
        let bytes = found.bytes.start.max(shown.start)..found.bytes.end.min(shown.end);
        if bytes.is_empty() {
            continue;
        }
        match marks.last_mut() {
            Some(last) if bytes.start <= last.end => last.end = last.end.max(bytes.end),
            _ => marks.push(bytes),
        }
    }
    marks
}

fn render(text: &str, shown: &Range<usize>, marks: &[Range<usize>]) -> String {
    let mut html = String::new();
    if !text[..shown.start].trim().is_empty() {
        html.push('…');
    }
    let mut at = shown.start;
    for mark in marks {
        escape(&text[at..mark.start], &mut html);
        html.push_str("<mark>");
        escape(&text[mark.clone()], &mut html);
        html.push_str("</mark>");
        at = mark.end;
    }
    escape(&text[at..shown.end], &mut html);
    if !text[shown.end..].trim().is_empty() {
        html.push('…');
    }
    html
}

/// Adds `text` as HTML text: white space in a row becomes one space, control characters go.
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_whitespace() => {
                if !html.ends_with(' ') {
                    html.push(' ');
                }
            }
            c if c.is_control() => {}
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needle::Typed;

    fn html(text: &str, words: &[&str]) -> String {
        let clauses: Vec<Clause> = words
            .iter()
            .map(|word| Typed::new(word).exact().into_iter().collect())
            .collect();
        snippet(text, &clauses).html
    }

    #[test]
    fn pairs_in_a_row_are_one_mark() {
        assert_eq!(
            html("오늘 정기회의록을 본다", &["회의록"]),
            "오늘 정기<mark>회의록</mark>을 본다"
        );
        let loose: Vec<Clause> = Typed::new("회의록")
            .loose()
            .into_iter()
            .map(|needle| vec![needle])
            .collect();
        assert_eq!(
            snippet("오늘 회의록을", &loose).html,
            "오늘 <mark>회의록</mark>을"
        );
    }

    #[test]
    fn the_original_is_marked_whatever_its_form() {
        let text = "\u{1112}\u{116c}\u{110b}\u{1174} Ｃａｆｅ\u{301}!";
        assert_eq!(
            html(text, &["회의", "café"]),
            "<mark>\u{1112}\u{116c}\u{110b}\u{1174}</mark> <mark>Ｃａｆｅ\u{301}</mark>!"
        );
    }

    #[test]
    fn nothing_of_the_text_is_markup() {
        assert_eq!(
            html(
                "<script>alert('x')</script> & \"회의\"\n\n \u{0}end",
                &["회의"]
            ),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;<mark>회의</mark>&quot; end"
        );
        assert_eq!(
            html("<b>script</b>", &["script"]),
            "&lt;b&gt;<mark>script</mark>&lt;/b&gt;"
        );
    }

    #[test]
    fn the_densest_place_is_shown() {
        let filler = "lorem ipsum dolor sit amet ".repeat(20);
        let text = format!("apple {filler} apple and pear {filler} pear");
        let found = snippet(
            &text,
            &[
                Typed::new("apple").exact().into_iter().collect(),
                Typed::new("pear").exact().into_iter().collect(),
            ],
        );
        assert!(
            found
                .html
                .contains("<mark>apple</mark> and <mark>pear</mark>"),
            "{}",
            found.html
        );
        assert!(found.html.starts_with('…') && found.html.ends_with('…'));
        assert_eq!(found.first_match, text.find("apple and"));
        assert!(found.html.chars().count() <= SHOWN_CHARS + 2 + 2 * "<mark></mark>".len());
    }

    #[test]
    fn without_a_match_the_beginning_is_shown() {
        let text = "가나다 ".repeat(200);
        let found = snippet(&text, &[]);
        assert_eq!(found.first_match, None);
        assert!(found.html.starts_with("가나다") && found.html.ends_with('…'));
        assert_eq!(snippet("", &[]).html, "");
    }
}
