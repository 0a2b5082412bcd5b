//! classify: title, type, tags, date and language by rules that need no model.

mod date;
mod kind;
mod language;
mod title;

use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec, Write};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, patch, spec};

const SPEC: StageSpec = spec("classify", &["extract", "stt"], Lane::Llm, 3);

/// Characters of the text that the rules look at: what a document is stands at its beginning.
const TEXT_LIMIT: usize = 20_000;

pub(crate) struct Classify(pub Arc<StageContext>);

#[async_trait]
impl Stage for Classify {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, _document: &Document) -> bool {
        true
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let text = self.0.text(&job.document).await?;
        let text: String = text.chars().take(TEXT_LIMIT).collect();
        Ok(classify(&job.document, &text, self.0.clock.now()).into())
    }
}

fn classify(document: &Document, text: &str, now: model::Timestamp) -> Vec<Write> {
    let file_name = document.path.as_deref().unwrap_or_default();
    let found = DocumentPatch {
        title: title::better(document, text),
        document_type: kind::of(document, text).map(str::to_owned),
        document_date: date::of_name(file_name, now).or_else(|| date::of_text(text, now)),
        language: document.language.clone().or_else(|| language::of(text)),
        ..DocumentPatch::default()
    };
    vec![patch(found), Write::Tags(folder_tags(document))]
}

/// The folders a person filed the document under, without the watched one itself.
fn folder_tags(document: &Document) -> Vec<String> {
    let Some(path) = document.path.as_deref() else {
        return Vec::new();
    };
    let mut parts: Vec<_> = path.split('/').collect();
    // The file's own name.
    parts.pop();
    parts.iter().skip(1).map(|&part| part.to_owned()).collect()
}

/// Whether it is something to read, rather than to hear or see.
fn is_written(document: &Document) -> bool {
    matches!(
        document.category,
        Category::Document | Category::Note | Category::Image
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use model::{DocumentId, Source, Timestamp};

    use super::*;

    /// 2026-01-01.
    pub const NOW: Timestamp = Timestamp(1_767_225_600_000);

    pub fn document(path: &str) -> Document {
        let name = path.rsplit('/').next().unwrap_or(path);
        Document {
            category: model::FileType::of_name(path).category,
            file_type: model::FileType::of_name(path).extension.into(),
            path: Some(path.to_owned()),
            size: 1,
            modified_at: NOW,
            ..Document::blank(
                DocumentId("d".into()),
                name.rsplit_once('.')
                    .map_or(name, |(stem, _)| stem)
                    .to_owned(),
                Source::Watch,
                NOW,
            )
        }
    }

    #[test]
    fn a_korean_tax_invoice_is_told_by_its_words() {
        let document = document("Inbox/회사/2025/scan_0001.pdf");
        let writes = classify(
            &document,
            "전자세금계산서\n작성일자 2025년 3월 14일\n공급가액 1,200,000원\n합계금액 1,320,000원",
            NOW,
        );
        let Write::Patch(found) = &writes[0] else {
            panic!("{writes:?}");
        };
        assert_eq!(found.title.as_deref(), Some("전자세금계산서"));
        assert_eq!(found.document_type.as_deref(), Some("invoice"));
        assert_eq!(found.document_date.as_deref(), Some("2025-03-14"));
        assert_eq!(found.language.as_deref(), Some("ko"));
        assert_eq!(writes[1], Write::Tags(vec!["회사".into(), "2025".into()]));
    }
}
