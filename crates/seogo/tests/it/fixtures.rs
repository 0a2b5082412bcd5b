//! Every fixture goes the whole way through the real binary and yields what `fixtures/MANIFEST.tsv` says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use model::{Document, Status};
use store::Store;

use crate::server::{Server, until_done};

struct Expected {
    file: String,
    category: String,
    outcome: String,
    words: Vec<String>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn manifest() -> Vec<Expected> {
    let text = std::fs::read_to_string(fixtures().join("MANIFEST.tsv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (file, category, outcome) = (next(), next(), next());
            next();
            let words = next().split(" | ").map(str::to_owned).collect();
            Expected {
                file,
                category,
                outcome,
                words,
            }
        })
        .filter(|expected| !expected.file.starts_with("samples/"))
        .collect()
}

/// Empty files are all the same content, so only the first of them becomes a document.
fn distinct(expected: Vec<Expected>) -> Vec<Expected> {
    let mut seen = std::collections::HashSet::new();
    expected
        .into_iter()
        .filter(|e| seen.insert(std::fs::read(fixtures().join(&e.file)).unwrap()))
        .collect()
}

#[tokio::test]
async fn every_fixture_yields_what_the_manifest_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let expected = distinct(manifest());
    for (number, one) in expected.iter().enumerate() {
        let root = match one.category.as_str() {
            "audio" => "Recordings",
            "video" => "Videos",
            _ => "Inbox",
        };
        let name = one.file.rsplit('/').next().unwrap();
        let place = server.library(root).join(format!("{number}"));
        std::fs::create_dir_all(&place).unwrap();
        std::fs::copy(fixtures().join(&one.file), place.join(name)).unwrap();
    }
    let store = server.store().await;
    let documents = until_done(&store, expected.len()).await;
    let mut wrong = Vec::new();
    for (number, one) in expected.iter().enumerate() {
        let document = documents.iter().find(|d| {
            d.path
                .as_ref()
                .is_some_and(|p| p.contains(&format!("/{number}/")))
        });
        match document {
            None => wrong.push(format!("{}: no document", one.file)),
            Some(document) => {
                if let Err(reason) = check(&store, one, document).await {
                    wrong.push(format!("{}: {reason}", one.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for one in &expected {
        let original = std::fs::read(fixtures().join(&one.file)).unwrap();
        let hash = blake3_hex(&original);
        assert!(
            documents.iter().any(|d| d.content_hash == hash),
            "{}",
            one.file
        );
    }
}

fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

async fn check(store: &Store, one: &Expected, document: &Document) -> Result<(), String> {
    let mut tx = store.read().await.unwrap();
    let text = tx.extracted_text(&document.id).await.unwrap();
    let stages = tx.document_stages(&document.id).await.unwrap();
    let by_name: HashMap<_, _> = stages.iter().map(|s| (s.stage.as_str(), s)).collect();
    if document.category.as_str() != one.category {
        return Err(format!("category {}", document.category));
    }
    match one.outcome.as_str() {
        "text" | "ocr" | "speech" => has_words(&text.unwrap_or_default(), &one.words),
        "thumbnail" => {
            let done = by_name["thumbnail"].status == Status::Completed;
            (done && document.thumbnail_path.is_some())
                .then_some(())
                .ok_or_else(|| format!("{:?}", by_name["thumbnail"]))
        }
        "needs_conversion" => (document.needs_conversion && stages.is_empty())
            .then_some(())
            .ok_or_else(|| format!("stages {stages:?}")),
        other => {
            let code = other.strip_prefix("error:").ok_or(other)?;
            if document.needs_conversion {
                // Quarantined before anything looks into it.
                return Ok(());
            }
            let failed = stages.iter().find(|s| s.status == Status::Failed);
            let found = failed.and_then(|s| s.error_code.as_deref());
            let message = failed.and_then(|s| s.error_message.as_deref());
            let told = message.is_some_and(|m| m.len() > 20);
            (found == Some(code) && told)
                .then_some(())
                .ok_or_else(|| format!("{found:?} {message:?}"))
        }
    }
}

/// At least half of the words for speech drafts would be lenient enough to hide a broken reader, so all must be there.
fn has_words(text: &str, words: &[String]) -> Result<(), String> {
    let flat = |s: &str| s.to_lowercase().split_whitespace().collect::<String>();
    let text = flat(text);
    let missing: Vec<_> = words.iter().filter(|w| !text.contains(&flat(w))).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("without {missing:?} in {text:.200}"))
    }
}
