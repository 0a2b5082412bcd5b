//! extract: the text of documents and images, with page breaks.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};
use tools::{OcrPage, ParseKind, PdfText};
use tracing::warn;

use crate::context::{StageContext, first, patch, tool_error};

const SPEC: StageSpec = first("extract", Lane::Cpu, 5);

/// Ends a page in the extracted text.
const PAGE_BREAK: &str = "\u{c}";

/// The part of the progress that reading a PDF's text is; pictures of pages take far longer.
const TEXT_SHARE: f64 = 0.05;

pub(crate) struct Extract(pub Arc<StageContext>);

/// How a kind of file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Pdf,
    Text,
    Html,
    Picture,
    /// Of no known kind: text if it is text.
    Guess,
}

/// The reader of a file type; `None` where there is none yet.
fn reader(file_type: &str) -> Option<Reader> {
    Some(match file_type {
        "pdf" => Reader::Pdf,
        "txt" | "text" | "log" | "md" | "markdown" | "csv" | "tsv" | "json" | "xml" | "yaml"
        | "yml" | "toml" | "srt" | "vtt" => Reader::Text,
        "html" | "htm" | "xhtml" => Reader::Html,
        "jpg" | "jpeg" | "png" | "gif" | "webp" | "tif" | "tiff" | "bmp" => Reader::Picture,
        "bin" => Reader::Guess,
        _ => return None,
    })
}

#[async_trait]
impl Stage for Extract {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        matches!(
            document.category,
            Category::Document | Category::Image | Category::Note
        )
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let document = &job.document;
        if document.category == Category::Note {
            // A note is its own text.
            return Ok(Outcome::default());
        }
        let path = self.0.original(document).await?;
        refuse_empty(document)?;
        let Some(reader) = reader(&document.file_type) else {
            return Err(unreadable(&document.file_type));
        };
        let found = match reader {
            Reader::Pdf => self.pdf(job, &path).await?,
            Reader::Text => self.parsed(job, &path, ParseKind::Text).await?,
            Reader::Html => self.parsed(job, &path, ParseKind::Html).await?,
            Reader::Picture => self.picture(job, &path).await?,
            Reader::Guess => self.guess(job, &path).await?,
        };
        Ok(vec![patch(found)].into())
    }
}

impl Extract {
    async fn pdf(&self, job: &Job, path: &Path) -> Result<DocumentPatch, StageError> {
        let told = |done| job.set_progress(done * TEXT_SHARE);
        let pdf = self.0.tools.pdf_text(path, told, &job.cancel).await;
        let mut pdf = pdf.map_err(|e| tool_error(&job.item, &e))?;
        for scan in self.scans(job, path, &pdf).await? {
            if let Some(page) = pdf.pages.get_mut(scan.page.saturating_sub(1)) {
                *page = scan.text;
            }
        }
        Ok(DocumentPatch {
            title: pdf.title.as_deref().and_then(usable_title),
            page_count: i64::try_from(pdf.page_count).ok(),
            extracted_text: Some(pdf.pages.join(PAGE_BREAK)),
            ..DocumentPatch::default()
        })
    }

    /// The pages that have no text of their own, read by OCR.
    async fn scans(
        &self,
        job: &Job,
        path: &Path,
        pdf: &PdfText,
    ) -> Result<Vec<OcrPage>, StageError> {
        if pdf.pages_without_text.is_empty() {
            return Ok(Vec::new());
        }
        let told = |done: f64| job.set_progress(TEXT_SHARE + done * (1.0 - TEXT_SHARE));
        let (tools, pages) = (&self.0.tools, &pdf.pages_without_text);
        let read = tools.ocr_pdf_pages(path, pages, told, &job.cancel).await;
        let error = match read {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        let stage_error = tool_error(&job.item, &error);
        let has_text = pdf.pages.iter().any(|page| !page.trim().is_empty());
        let is_tried_again = matches!(stage_error, StageError::Retry { .. })
            && job.item.attempts < job.item.max_attempts;
        // A blank or broken page must not cost the text of all others.
        if has_text && !is_tried_again && !job.cancel.is_cancelled() {
            warn!(document = %job.document.id, %error, "pages without text stay unread");
            return Ok(Vec::new());
        }
        Err(stage_error)
    }

    async fn parsed(
        &self,
        job: &Job,
        path: &Path,
        kind: ParseKind,
    ) -> Result<DocumentPatch, StageError> {
        let parsed = self
            .0
            .tools
            .parse(kind, path, &job.cancel)
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        Ok(DocumentPatch {
            title: parsed.title.as_deref().and_then(usable_title),
            language: parsed.language,
            extracted_text: Some(parsed.text),
            ..DocumentPatch::default()
        })
    }

    async fn picture(&self, job: &Job, path: &Path) -> Result<DocumentPatch, StageError> {
        let read = self
            .0
            .tools
            .ocr_image(path, |done| job.set_progress(done), &job.cancel)
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        Ok(DocumentPatch {
            extracted_text: Some(read.text),
            ..DocumentPatch::default()
        })
    }

    async fn guess(&self, job: &Job, path: &Path) -> Result<DocumentPatch, StageError> {
        let parsed = self.parsed(job, path, ParseKind::Text).await;
        parsed.map_err(|error| match error {
            StageError::Fail { code, .. } if code == "binary" => unreadable("this kind of"),
            other => other,
        })
    }
}

fn refuse_empty(document: &Document) -> Result<(), StageError> {
    if document.size == 0 {
        return Err(StageError::fail(
            "empty",
            "The file is empty (0 bytes). Copy it here again.",
        ));
    }
    Ok(())
}

fn unreadable(kind: &str) -> StageError {
    StageError::fail(
        "unsupported_format",
        format!(
            "The text of {kind} files cannot be read yet. The file is kept, found by its name, and can be downloaded."
        ),
    )
}

/// A title from inside the file, unless it is the empty or machine-made kind that says less than the file's name.
fn usable_title(title: &str) -> Option<String> {
    let title = title.trim();
    let lower = title.to_lowercase();
    let machine_made = [
        "untitled",
        "microsoft word",
        "제목 없음",
        "document1",
        "about:blank",
    ]
    .iter()
    .any(|start| lower.starts_with(start));
    let is_name = lower.ends_with(".doc") || lower.ends_with(".docx") || lower.ends_with(".html");
    let length = title.chars().count();
    ((3..=200).contains(&length) && !machine_made && !is_name).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_made_titles_say_less_than_the_file_name() {
        for title in [
            "",
            " ",
            "Untitled-1",
            "Microsoft Word - x.doc",
            "report.docx",
            "a",
        ] {
            assert_eq!(usable_title(title), None, "{title}");
        }
        assert_eq!(usable_title(" 연간 보고서 "), Some("연간 보고서".into()));
    }

    #[test]
    fn every_reader_is_of_a_known_extension() {
        for known in model::ACCEPTED_EXTENSIONS {
            let reads = reader(known.extension).is_some();
            let media = matches!(known.category, Category::Audio | Category::Video);
            assert!(
                !(reads && media),
                "{} is heard or seen, not read",
                known.extension
            );
        }
        assert_eq!(reader("docx"), None);
        assert_eq!(reader("md"), Some(Reader::Text));
    }
}
