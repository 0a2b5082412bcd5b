//! What to look for, strictest first.

use crate::needle::{Needle, Typed};
use crate::query::{Ask, parse};

/// Words of one search that are looked up; a pasted page is searched by its first.
const MAX_WORDS: usize = 64;

/// One thing that must be there, in any of its forms.
pub(crate) type Clause = Vec<Needle>;

/// One way to look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// All of these must be there.
    pub must: Vec<Clause>,
    /// Some of these must be there; how many grows with their number. Empty means that nothing more is asked.
    pub some: Vec<Needle>,
}

impl Step {
    /// Everything it looks for, as one list of clauses.
    pub fn clauses(&self) -> Vec<Clause> {
        self.must
            .iter()
            .cloned()
            .chain(self.some.iter().map(|needle| vec![needle.clone()]))
            .collect()
    }
}

/// A search as read from what was typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Ways to look; the next is for when one finds nothing. Empty when nothing was asked.
    pub steps: Vec<Step>,
    /// None of these may be there.
    pub not: Vec<Needle>,
}

impl Plan {
    /// Reads the typed text.
    pub fn new(text: &str) -> Self {
        let parts: Vec<_> = parse(text)
            .into_iter()
            .take(MAX_WORDS)
            .map(|(ask, part)| (ask, Typed::new(&part)))
            .collect();
        let not = parts
            .iter()
            .filter(|(ask, _)| *ask == Ask::Not)
            .filter_map(|(_, typed)| typed.exact())
            .collect();
        let mut steps = vec![as_typed(&parts), stemmed(&parts), loose(&parts)];
        steps.retain(|step| !step.must.is_empty() || !step.some.is_empty());
        steps.dedup();
        Self { steps, not }
    }
}

fn as_typed(parts: &[(Ask, Typed)]) -> Step {
    step(parts, |_| None)
}

/// Words that end in a particle also without it.
fn stemmed(parts: &[(Ask, Typed)]) -> Step {
    step(parts, Typed::stem)
}

fn step(parts: &[(Ask, Typed)], more: impl Fn(&Typed) -> Option<Needle>) -> Step {
    let must = parts
        .iter()
        .map(|(ask, typed)| clause(*ask, typed, &more))
        .filter(|clause| !clause.is_empty())
        .collect();
    Step {
        must,
        some: Vec::new(),
    }
}

fn clause(ask: Ask, typed: &Typed, more: &impl Fn(&Typed) -> Option<Needle>) -> Clause {
    let exact = typed.exact();
    match ask {
        Ask::Not => Vec::new(),
        Ask::Phrase => exact.into_iter().collect(),
        Ask::Word => exact
            .into_iter()
            .chain(typed.respaced())
            .chain(more(typed))
            .collect(),
        Ask::LastWord => exact
            .into_iter()
            .chain(typed.prefix())
            .chain(typed.respaced())
            .chain(more(typed))
            .collect(),
    }
}

/// Any of the words; phrases must still be there.
fn loose(parts: &[(Ask, Typed)]) -> Step {
    let phrases = parts
        .iter()
        .filter(|(ask, _)| *ask == Ask::Phrase)
        .filter_map(|(_, typed)| typed.exact());
    let mut some: Vec<Needle> = Vec::new();
    for (_, typed) in parts
        .iter()
        .filter(|(ask, _)| matches!(ask, Ask::Word | Ask::LastWord))
    {
        for needle in typed.loose() {
            if !some.contains(&needle) {
                some.push(needle);
            }
        }
    }
    Step {
        must: phrases.map(|needle| vec![needle]).collect(),
        some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_from_strict_to_loose() {
        let plan = Plan::new("회의를 budget \"annual report\" -draft");
        assert_eq!(plan.steps.len(), 3);
        assert_eq!(plan.steps[0].must.len(), 3);
        assert_eq!(
            plan.steps[1].must[0].len(),
            2,
            "with and without its particle"
        );
        assert_eq!(plan.steps[2].must.len(), 1, "the phrase stays");
        assert_eq!(plan.steps[2].some.len(), 3);
        assert_eq!(plan.not.len(), 1);
    }

    #[test]
    fn nothing_asked_is_nothing_to_do() {
        for text in ["", " ", "*", "- \" '", "★"] {
            assert_eq!(Plan::new(text), Plan::default(), "{text}");
        }
    }
}
