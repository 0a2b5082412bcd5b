//! summarize: the sentences that say most, in their own order. Asked for by a person; needs no model.
//!
//! A sentence's weight is the mean weight of its words, and a word weighs by how often it occurs in the text (the idea of
//! H. P. Luhn, "The Automatic Creation of Literature Abstracts", 1958); the opening sentence counts a little more.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use model::{Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, patch, spec};

const SPEC: StageSpec = spec("summarize", &[], Lane::Llm, 3);

/// Sentences in a summary.
const SENTENCES: usize = 4;
/// Characters of the text that are looked at.
const TEXT_LIMIT: usize = 200_000;
/// Shorter words, in characters, weigh nothing: most of them are particles.
const WORD_MIN: usize = 2;
/// What the opening sentence counts more.
const OPENING: f64 = 1.5;

pub(crate) struct Summarize(pub Arc<StageContext>);

#[async_trait]
impl Stage for Summarize {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, _document: &Document) -> bool {
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let text = self.0.text(&job.document).await?;
        let summary = summary(&text);
        if summary.is_empty() {
            return Err(StageError::fail(
                "no_text",
                "There is no text to summarise. Has the text been read, or the recording been transcribed?",
            ));
        }
        let found = DocumentPatch {
            summary: Some(summary),
            ..DocumentPatch::default()
        };
        Ok(vec![patch(found)].into())
    }
}

fn summary(text: &str) -> String {
    let text: String = text.chars().take(TEXT_LIMIT).collect();
    let sentences = sentences(&text);
    let weights = word_weights(&sentences);
    let mut ranked: Vec<_> = sentences
        .iter()
        .enumerate()
        .map(|(index, sentence)| {
            let opening = if index == 0 { OPENING } else { 1.0 };
            (index, weight(sentence, &weights) * opening)
        })
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.truncate(SENTENCES);
    ranked.sort_by_key(|(index, _)| *index);
    let chosen: Vec<_> = ranked.iter().map(|(index, _)| sentences[*index]).collect();
    chosen.join(" ")
}

fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['.', '!', '?', '。', '\n', '\u{c}'])
        .map(str::trim)
        .filter(|sentence| sentence.chars().count() > 8)
        .collect()
}

fn words(sentence: &str) -> impl Iterator<Item = String> {
    sentence
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= WORD_MIN)
        .map(str::to_lowercase)
}

fn word_weights(sentences: &[&str]) -> HashMap<String, f64> {
    let mut weights = HashMap::new();
    for word in sentences.iter().flat_map(|sentence| words(sentence)) {
        *weights.entry(word).or_insert(0.0) += 1.0;
    }
    weights
}

fn weight(sentence: &str, weights: &HashMap<String, f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for word in words(sentence) {
        // The square root keeps one frequent word from deciding alone.
        sum += weights.get(&word).copied().unwrap_or(0.0).sqrt();
        count += 1.0;
    }
    if count == 0.0 { 0.0 } else { sum / count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_made_of_the_texts_own_sentences_in_order() {
        let text = "The budget meeting opened at nine. Somebody brought cake. The budget grows by ten percent. \
            The budget for travel stays. It rained outside. The meeting closed with the budget agreed.";
        let summary = summary(text);
        assert!(summary.starts_with("The budget meeting opened at nine."));
        assert!(!summary.contains("It rained"));
        let places: Vec<_> = sentences(&summary)
            .iter()
            .map(|s| text.find(s).unwrap())
            .collect();
        assert!(places.is_sorted() && places.len() == SENTENCES);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(summary(" \n "), "");
    }
}
