//! What is looked for in the index and marked in the snippet.

use crate::tokenizer::{Run, Script, runs, tokens};

/// Shortest beginning of a word that is looked up as one, in characters.
const MIN_PREFIX_CHARS: usize = 2;

/// Weight of a form that differs from what was typed, against 1 for what was typed.
const VARIANT_WEIGHT: f32 = 0.7;

/// Longest run for which other spacing is tried, in characters; each place for a space is a phrase of its own.
const MAX_RESPACED_CHARS: usize = 10;

/// Korean particles and endings that are written together with a noun, longest first.
const PARTICLES: &[&str] = &[
    "으로부터",
    "에서부터",
    "이라고",
    "에서는",
    "에서도",
    "으로써",
    "으로서",
    "에게서",
    "까지",
    "부터",
    "에서",
    "에게",
    "으로",
    "하고",
    "이나",
    "이란",
    "라고",
    "처럼",
    "보다",
    "마다",
    "만큼",
    "들은",
    "들을",
    "들이",
    "들의",
    "을",
    "를",
    "이",
    "가",
    "은",
    "는",
    "에",
    "의",
    "로",
    "와",
    "과",
    "도",
    "만",
];

/// Words in a row, at their distances: a phrase, or a single word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Needle {
    /// Position from the first, and the word; never empty.
    pub terms: Vec<(usize, String)>,
    /// The last word is the beginning of one.
    pub prefix: bool,
    /// Factor of the score.
    pub weight: f32,
}

impl Needle {
    fn exact(terms: Vec<(usize, String)>) -> Option<Self> {
        (!terms.is_empty()).then_some(Self {
            terms,
            prefix: false,
            weight: 1.0,
        })
    }

    fn variant(terms: Vec<(usize, String)>) -> Option<Self> {
        Some(Self {
            weight: VARIANT_WEIGHT,
            ..Self::exact(terms)?
        })
    }
}

/// One typed word or phrase as runs of characters.
#[derive(Clone, Debug)]
pub(crate) struct Typed(Vec<Run>);

impl Typed {
    pub fn new(text: &str) -> Self {
        let mut position = 0;
        let all = text
            .split_whitespace()
            .flat_map(|piece| runs(piece, 0, &mut position))
            .collect();
        Self(all)
    }

    /// What was typed, as it is. `None` where there is no letter and no digit in it.
    pub fn exact(&self) -> Option<Needle> {
        Needle::exact(self.0.iter().flat_map(run_terms).collect())
    }

    /// The same as the beginning of a word, where it ends in a word long enough.
    pub fn prefix(&self) -> Option<Needle> {
        let last = self.0.last().filter(|run| run.script == Script::Word)?;
        let long_enough = last.chars.len() >= MIN_PREFIX_CHARS || self.0.len() > 1;
        let needle = Needle {
            prefix: true,
            ..self.exact()?
        };
        long_enough.then_some(Needle {
            weight: VARIANT_WEIGHT,
            ..needle
        })
    }

    /// The same with one space more in a run without spaces: 정기회의 also finds 정기 회의. The pair that would lie across
    /// the space is left out of the phrase.
    pub fn respaced(&self) -> Vec<Needle> {
        let [run] = self.0.as_slice() else {
            return Vec::new();
        };
        let length = run.chars.len();
        if run.script != Script::Pairs || !(4..=MAX_RESPACED_CHARS).contains(&length) {
            return Vec::new();
        }
        (1..length - 2)
            .filter_map(|across| {
                Needle::variant(
                    run_terms(run)
                        .into_iter()
                        .filter(|(at, _)| *at != across)
                        .collect(),
                )
            })
            .collect()
    }

    /// Without the Korean particle at its end: 회의를 also finds 회의가.
    pub fn stem(&self) -> Option<Needle> {
        let (last, before) = self.0.split_last()?;
        let text = last.text(0, usize::MAX);
        let stem = PARTICLES
            .iter()
            .filter_map(|particle| text.strip_suffix(particle))
            .find(|stem| stem.chars().count() >= 2)?;
        let mut run = last.clone();
        run.chars.truncate(stem.chars().count());
        Needle::variant(before.iter().chain([&run]).flat_map(run_terms).collect())
    }

    /// Its single words and pairs, each by itself.
    pub fn loose(&self) -> Vec<Needle> {
        self.0
            .iter()
            .flat_map(run_terms)
            .filter_map(|(_, term)| Needle::exact(vec![(0, term)]))
            .collect()
    }
}

/// The words of a run as they are looked up: pairs, and a single character only where there is no pair.
fn run_terms(run: &Run) -> Vec<(usize, String)> {
    let pairs = run.chars.len().saturating_sub(1).max(1);
    match run.script {
        // The tokenizer knows where words are cut.
        Script::Word => tokens(&run.text(0, usize::MAX))
            .into_iter()
            .map(|token| (run.position, token.text))
            .collect(),
        Script::Pairs => (0..pairs)
            .map(|at| (run.position + at, run.text(at, 2)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(needle: Option<Needle>) -> Vec<(usize, String)> {
        needle.map(|needle| needle.terms).unwrap_or_default()
    }

    fn want(terms: &[(usize, &str)]) -> Vec<(usize, String)> {
        terms
            .iter()
            .map(|(at, term)| (*at, (*term).to_owned()))
            .collect()
    }

    #[test]
    fn a_run_is_a_phrase_of_pairs() {
        assert_eq!(
            terms(Typed::new("회의록").exact()),
            want(&[(0, "회의"), (1, "의록")])
        );
        assert_eq!(
            terms(Typed::new("3월").exact()),
            want(&[(0, "3"), (1, "월")])
        );
        assert_eq!(
            terms(Typed::new("foo-Bar").exact()),
            want(&[(0, "foo"), (1, "bar")])
        );
        assert_eq!(
            terms(Typed::new("정기 회의").exact()),
            want(&[(0, "정기"), (2, "회의")])
        );
        assert_eq!(Typed::new("*?!").exact(), None);
    }

    #[test]
    fn forms_of_a_word() {
        let spaced = Typed::new("정기회의").respaced();
        assert_eq!(spaced.len(), 1);
        assert_eq!(spaced[0].terms, want(&[(0, "정기"), (2, "회의")]));
        assert!(Typed::new("회의록").respaced().is_empty());
        assert_eq!(terms(Typed::new("회의에서는").stem()), want(&[(0, "회의")]));
        assert_eq!(
            Typed::new("사과").stem(),
            None,
            "the stem would be a single syllable"
        );
        assert_eq!(Typed::new("a").prefix(), None);
        assert!(
            Typed::new("in")
                .prefix()
                .is_some_and(|needle| needle.prefix)
        );
    }
}
