//! What is asked and what is answered; and how the typed text is read.

use model::{Category, DocumentId};
use serde::{Deserialize, Serialize};

/// Most hits in one answer.
pub const MAX_HITS: usize = 100;

/// Hits past this many are not handed out: refine the search instead.
pub const MAX_OFFSET: usize = 10_000;

/// Characters of the typed text that are read; the rest is left out.
pub const MAX_QUERY_CHARS: usize = 1000;

/// How to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// For the words.
    Keyword,
    /// For the meaning; needs an embedding model.
    Semantic,
    /// For both; for the words alone where there is no embedding model.
    #[default]
    Hybrid,
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// As typed: words, `"exact phrases"`, `-excluded` words. Never an error, whatever it holds.
    pub text: String,
    /// How to look.
    pub mode: Mode,
    /// Only documents of one of these; empty means all.
    pub categories: Vec<Category>,
    /// How many hits, from 1 to [`MAX_HITS`] (taken into that range).
    pub limit: usize,
    /// How many of the best to leave out; past [`MAX_OFFSET`] there are no hits.
    pub offset: usize,
}

/// A document that was found, with its best place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Which document.
    pub document_id: DocumentId,
    /// Its title, plain text.
    pub title: String,
    /// Its category.
    pub category: Category,
    /// About 200 characters around the match as HTML: escaped, with `<mark>` as its only element.
    pub snippet: String,
    /// Higher is better; comparable within one answer only.
    pub score: f32,
    /// Page of the place, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
    /// Second of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_s: Option<f64>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Documents found in all.
    pub total: usize,
}

/// What a part of the typed text asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Must be there, in one of its forms.
    Word,
    /// A word that may still be being typed.
    LastWord,
    /// Must be there as it is.
    Phrase,
    /// Must not be there.
    Not,
}

/// Takes the typed text apart. Nothing typed is an error: a quote that is not closed and a lone `-` or `*` mean nothing.
pub(crate) fn parse(text: &str) -> Vec<(Ask, String)> {
    let text: String = text.chars().take(MAX_QUERY_CHARS).collect();
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (ask, part, after) = next_part(rest);
        parts.push((ask, part.to_owned()));
        rest = after.trim_start();
    }
    if parts.iter().all(|(ask, _)| *ask == Ask::Not) {
        // Nothing to look for: what looked like an exclusion ("-5") was meant as it is.
        parts.iter_mut().for_each(|part| part.0 = Ask::Phrase);
    }
    if let Some(last) = parts.last_mut()
        && last.0 == Ask::Word
        && text.ends_with(char::is_alphanumeric)
    {
        last.0 = Ask::LastWord;
    }
    parts
}

/// The first part of `text`, which begins with no white space, and what follows it.
fn next_part(text: &str) -> (Ask, &str, &str) {
    let bare = text
        .strip_prefix('-')
        .filter(|bare| bare.starts_with(|c| is_quote(c) || c.is_alphanumeric()));
    let (negated, body) = bare.map_or((false, text), |bare| (true, bare));
    let quoted = body
        .strip_prefix(is_quote)
        .and_then(|inner| inner.split_once(is_quote));
    let (ask, part, after) = match quoted {
        Some((part, after)) => (Ask::Phrase, part, after),
        None => {
            let end = body.find(char::is_whitespace).unwrap_or(body.len());
            (Ask::Word, &body[..end], &body[end..])
        }
    };
    (if negated { Ask::Not } else { ask }, part, after)
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '“' | '”' | '„' | '＂' | '«' | '»' | '「' | '」' | '『' | '』'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str, want: &[(Ask, &str)]) {
        let parts = parse(text);
        let parts: Vec<_> = parts
            .iter()
            .map(|(ask, part)| (*ask, part.as_str()))
            .collect();
        assert_eq!(parts, want, "{text}");
    }

    #[test]
    fn words_phrases_and_exclusions_are_told_apart() {
        use Ask::{LastWord, Not, Phrase, Word};
        expect("회의 budget", &[(Word, "회의"), (LastWord, "budget")]);
        expect(
            "\"annual report\" -draft 예산 ",
            &[(Phrase, "annual report"), (Not, "draft"), (Word, "예산")],
        );
        expect("-“first draft” x", &[(Not, "first draft"), (LastWord, "x")]);
        expect("foo-bar", &[(LastWord, "foo-bar")]);
        expect("what's \"up", &[(Word, "what's"), (LastWord, "\"up")]);
        expect("-5", &[(Phrase, "5")]);
        expect("- *", &[(Word, "-"), (Word, "*")]);
        expect(" \t", &[]);
    }
}
