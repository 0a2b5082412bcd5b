//! A damaged model must never end the process: whatever passes the check must load and run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use model::{Random, SeededRandom};
use speech::engine::{Engine, Hooks, Options};
use speech::tiny_model::TinyModel;
use tokio_util::sync::CancellationToken;

/// Bytes before the vocabulary: magic, dimensions, mel filters.
const HEAD: usize = 56 + 4 * 80 * 201;
const MUTANTS: usize = 120;

/// A place in `good` that means something: the head, the first words, or the head of a tensor.
fn place(good: &[u8], tensors: &[usize], turn: usize, random: &SeededRandom) -> usize {
    let below = |limit: usize| (random.unit() * limit as f64) as usize;
    match turn % 3 {
        0 => below(60),
        1 => HEAD + below(200),
        _ => (tensors[below(tensors.len())] - 24 + below(50)).min(good.len() - 1),
    }
}

fn run(engine: Engine) {
    let options = Options {
        languages: Vec::new(),
        beam_size: 1,
        prompt: None,
    };
    let hooks = Hooks {
        cancel: CancellationToken::new(),
        progress: Box::new(|_| {}),
    };
    let mut session = Arc::new(engine).start().unwrap();
    // What it says does not matter, only that it comes back.
    let _ = session.run(&[0.1; 16_000], 0.0, &options, hooks);
}

#[test]
fn mutants_are_refused_or_run() {
    let good = TinyModel::saying(&[" one"]).to_bytes();
    let starts = good.windows(8).enumerate();
    let tensors: Vec<usize> = starts
        .filter(|(_, name)| [b"encoder.", b"decoder."].contains(&(*name).try_into().unwrap()))
        .map(|(at, _)| at)
        .collect();
    let random = SeededRandom::new(7);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut refused = 0;
    for turn in 0..MUTANTS {
        let mut mutant = good.clone();
        mutant[place(&good, &tensors, turn, &random)] = (random.unit() * 256.0) as u8;
        std::fs::write(file.path(), &mutant).unwrap();
        match Engine::load(file.path(), 1) {
            Ok(engine) => run(engine),
            Err(_) => refused += 1,
        }
    }
    assert!(
        (MUTANTS / 4..MUTANTS).contains(&refused),
        "{refused} refused"
    );
}
