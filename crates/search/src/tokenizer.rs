//! Cuts text into the words that are indexed and looked up.
//!
//! Scripts that put no spaces between words (Han, kana, Hangul with its endings, Thai and its neighbours) are indexed as every
//! character and every pair of neighbours, so that 회의 is found in 정기회의록을. Other scripts are indexed by the word;
//! anything that is no letter or digit separates, so `foo-bar` and `foo_bar` are two words in a row. A character of a run takes
//! one position, as does a word: a run is looked up as a phrase of pairs.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::char::is_combining_mark;

use crate::fold::{Folded, fold_into};

/// Name under which the index knows the tokenizer. The number goes up whenever the words it makes change: an index made with
/// another name is built anew.
pub(crate) const TOKENIZER_NAME: &str = "seogo-1";

/// A word's characters past this are neither indexed nor looked up (base64, hashes and the like).
const MAX_WORD_CHARS: usize = 64;

/// How a run of characters is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// As one word.
    Word,
    /// As characters and pairs of neighbours.
    Pairs,
}

/// Characters of one kind in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub script: Script,
    /// Position of its first character (pairs) or of itself (word).
    pub position: usize,
    pub chars: Vec<Folded>,
}

impl Run {
    /// Its text from character `start`, at most `count` characters.
    pub fn text(&self, start: usize, count: usize) -> String {
        self.chars
            .iter()
            .skip(start)
            .take(count)
            .map(|folded| folded.c)
            .collect()
    }

    /// Positions it takes.
    pub fn positions(&self) -> usize {
        match self.script {
            Script::Word => 1,
            Script::Pairs => self.chars.len(),
        }
    }

    fn token(&self, start: usize, count: usize) -> Token {
        Token {
            offset_from: self.chars[start].from,
            offset_to: self.chars[start + count - 1].to,
            position: self.position + start,
            text: self.text(start, count),
            position_length: 1,
        }
    }

    fn tokens_into(&self, out: &mut Vec<Token>) {
        match self.script {
            Script::Word => out.push(Token {
                position: self.position,
                text: self.text(0, MAX_WORD_CHARS),
                ..self.token(0, self.chars.len())
            }),
            Script::Pairs => {
                for start in 0..self.chars.len() {
                    out.push(self.token(start, 1));
                    if start + 1 < self.chars.len() {
                        out.push(self.token(start, 2));
                    }
                }
            }
        }
    }
}

/// The runs of `piece`, which begins at byte `base` of the text; positions go on from `position`.
pub(crate) fn runs(piece: &str, base: usize, position: &mut usize) -> Vec<Run> {
    let mut folded = Vec::with_capacity(piece.len());
    fold_into(piece, base, &mut folded);
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Option<Script> = None;
    for folded in folded {
        let script = script_of(folded.c, open);
        match (script, runs.last_mut()) {
            (Some(_), Some(run)) if script == open => run.chars.push(folded),
            (Some(script), _) => runs.push(Run {
                script,
                position: 0,
                chars: vec![folded],
            }),
            (None, _) => {}
        }
        open = script;
    }
    for run in &mut runs {
        run.position = *position;
        *position += run.positions();
    }
    runs
}

/// Every word of a text with its place, as the index sees it.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut stream = Tokens::new(text);
    let mut all = Vec::new();
    while stream.advance() {
        all.push(std::mem::take(stream.token_mut()));
    }
    all
}

/// The kind of run the character belongs to; `None` where it separates.
fn script_of(c: char, open: Option<Script>) -> Option<Script> {
    if is_unspaced(c) {
        Some(Script::Pairs)
    } else if c.is_alphanumeric() {
        Some(Script::Word)
    } else if is_combining_mark(c) {
        open
    } else {
        None
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'     // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Myanmar
        | '\u{1100}'..='\u{11ff}'   // Hangul jamo
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{2e80}'..='\u{2fdf}'   // Han radicals
        | '\u{3005}'..='\u{3007}'   // 々〆〇
        | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' // Hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' // Katakana
        | '\u{3105}'..='\u{312f}'   // Bopomofo
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{a960}'..='\u{a97f}'   // old Hangul jamo
        | '\u{ac00}'..='\u{d7ff}'   // Hangul syllables, old jamo
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The tokenizer as tantivy wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnicodeTokenizer;

impl Tokenizer for UnicodeTokenizer {
    type TokenStream<'a> = Tokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens<'a> {
        Tokens::new(text)
    }
}

/// Words of a text, made piece by piece so that a long text needs little memory.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    position: usize,
    ready: Vec<Token>,
    next: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            position: 0,
            ready: Vec::new(),
            next: 0,
        }
    }

    /// The next piece between white space, with its offset.
    fn next_piece(&mut self) -> Option<(usize, &'a str)> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.find(|c: char| !c.is_whitespace())?;
        let length = self.text[start..].find(char::is_whitespace);
        let end = length.map_or(self.text.len(), |length| start + length);
        self.at = end;
        Some((start, &self.text[start..end]))
    }

    /// Makes the tokens of the next piece that has any.
    fn refill(&mut self) -> bool {
        self.ready.clear();
        self.next = 0;
        while self.ready.is_empty() {
            let Some((base, piece)) = self.next_piece() else {
                return false;
            };
            for run in runs(piece, base, &mut self.position) {
                run.tokens_into(&mut self.ready);
            }
        }
        true
    }
}

impl TokenStream for Tokens<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.ready.len() || (self.refill() && self.advance())
    }

    fn token(&self) -> &Token {
        &self.ready[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.ready[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, usize)> {
        tokens(text)
            .into_iter()
            .map(|token| (token.text, token.position))
            .collect()
    }

    fn expect(text: &str, want: &[(&str, usize)]) {
        let want: Vec<_> = want
            .iter()
            .map(|(word, at)| ((*word).to_owned(), *at))
            .collect();
        assert_eq!(words(text), want, "{text}");
    }

    #[test]
    fn words_and_runs_share_one_count_of_positions() {
        expect(
            "PDF 회의를!",
            &[
                ("pdf", 0),
                ("회", 1),
                ("회의", 1),
                ("의", 2),
                ("의를", 2),
                ("를", 3),
            ],
        );
        expect(
            "3월 foo-bar_baz",
            &[("3", 0), ("월", 1), ("foo", 2), ("bar", 3), ("baz", 4)],
        );
        expect(" \u{c} … !? ", &[]);
        expect("", &[]);
    }

    #[test]
    fn marks_stay_with_their_word() {
        expect("हिन्दी", &[("हिन्दी", 0)]);
        expect("\u{94d}abc", &[("abc", 0)]);
    }

    #[test]
    fn offsets_point_into_the_original() {
        let text = "\u{1112}\u{116c}\u{110b}\u{1174} Ｆｕｌｌ Café";
        let shown: Vec<_> = tokens(text)
            .into_iter()
            .map(|token| (token.text, &text[token.offset_from..token.offset_to]))
            .collect();
        assert!(shown.contains(&("회의".into(), "\u{1112}\u{116c}\u{110b}\u{1174}")));
        assert!(shown.contains(&("full".into(), "Ｆｕｌｌ")));
        assert!(shown.contains(&("cafe".into(), "Café")));
    }

    #[test]
    fn an_endless_word_is_cut() {
        let word = "a".repeat(100_000);
        let all = tokens(&word);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].text.len(), MAX_WORD_CHARS);
        assert_eq!(all[0].offset_to, word.len());
    }
}
