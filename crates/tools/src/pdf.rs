//! Text and facts of PDF files, by poppler.

use std::path::Path;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::fence::shortened;
use crate::media::megabytes;
use crate::{Output, ToolError, Toolbox, text};

/// A page with fewer letters and digits has no usable text: a scan may carry a page number or a stamp.
const FEWEST_LETTERS: usize = 5;

/// What pdftotext ends every page with.
const PAGE_END: u8 = b'\x0c';

/// What programs write where nobody gave a title or a name.
const NO_NAMES: [&str; 4] = ["(anonymous)", "untitled", "unknown", "anonymous"];

/// What a PDF holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PdfText {
    /// The text of every page, in order; empty strings where there is none. As many as `page_count`.
    pub pages: Vec<String>,
    /// Title.
    pub title: Option<String>,
    /// Author.
    pub author: Option<String>,
    /// When it was made: RFC 3339 as far as the file tells.
    pub created: Option<String>,
    /// Pages.
    pub page_count: usize,
    /// Numbers (from 1) of the pages without usable text: scans, for OCR.
    pub pages_without_text: Vec<usize>,
}

impl Toolbox {
    /// Text and facts of a PDF. What a damaged file still gives is given. `progress` is told the share of its pages that have been
    /// read, 0 to 1. Errors: `encrypted`, `damaged`, `empty`.
    pub async fn pdf_text(
        &self,
        path: &Path,
        progress: impl Fn(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<PdfText, ToolError> {
        let size = megabytes(path).await?;
        let fence = self
            .fence("pdfinfo", self.limits().pdf_facts, size)
            .args(["-isodates", "-enc", "UTF-8"])
            .path(path);
        let info = given(fence.run_any(cancel).await?)?;
        let mut pdf = facts(&info.text());
        pdf.pages = pages(
            &self
                .pages_text(path, pdf.page_count, progress, cancel)
                .await?,
        );
        pdf.page_count = pdf.page_count.max(pdf.pages.len());
        pdf.pages.resize(pdf.page_count, String::new());
        pdf.pages_without_text = (1..=pdf.page_count)
            .filter(|number| !is_usable(&pdf.pages[number - 1]))
            .collect();
        Ok(pdf)
    }

    /// What pdftotext gives: the pages' text, each with a form feed at its end.
    async fn pages_text(
        &self,
        path: &Path,
        count: usize,
        progress: impl Fn(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<String, ToolError> {
        let fence = self
            .fence("pdftotext", self.limits().pdf_text, count as f64)
            .args(["-enc", "UTF-8"])
            .path(path)
            .arg("-");
        let mut ended = 0;
        let told = |block: &[u8]| {
            ended += block.iter().filter(|&&byte| byte == PAGE_END).count();
            progress((ended as f64 / count.max(1) as f64).min(1.0));
        };
        Ok(given(fence.run_telling(told, cancel).await?)?.text())
    }
}

/// One of poppler's programs may fail and still give something.
fn given(output: Output) -> Result<Output, ToolError> {
    if output.status == 0 || !output.stdout.is_empty() {
        return Ok(output);
    }
    Err(refusal(&output.stderr))
}

fn refusal(stderr: &str) -> ToolError {
    // The second is what a certificate, instead of a password, leads to.
    if stderr.contains("Incorrect password") || stderr.contains("security handler") {
        return ToolError::bad_input(
            "encrypted",
            "This PDF is protected by a password. Save a copy without the password and put that here.",
        );
    }
    let reason = stderr.lines().find(|line| line.contains("Error"));
    ToolError::bad_input(
        "damaged",
        format!(
            "This PDF is damaged or incomplete and cannot be read ({}). Open it in a PDF viewer and save it anew, or copy it here again.",
            shortened(reason.unwrap_or("no reason given"))
        ),
    )
}

/// `2020-03-31T18:02:55+09` as pdfinfo prints it lacks the minutes of the offset.
fn rfc3339(time: String) -> String {
    let offset = time.rfind(['+', '-']).map_or("", |at| &time[at..]);
    if time.contains('T') && offset.len() == "+09".len() {
        return time + ":00";
    }
    time
}

/// Reads what pdfinfo prints: `Key:   value` a line.
fn facts(info: &str) -> PdfText {
    let value = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        let value = text::clean(line.trim_start_matches(':'));
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    PdfText {
        title: value("Title:").filter(|title| !NO_NAMES.contains(&title.to_lowercase().as_str())),
        author: value("Author:").filter(|name| !NO_NAMES.contains(&name.to_lowercase().as_str())),
        created: value("CreationDate:").map(rfc3339),
        page_count: value("Pages:").and_then(|n| n.parse().ok()).unwrap_or(0),
        ..PdfText::default()
    }
}

/// pdftotext ends every page with a form feed.
fn pages(text: &str) -> Vec<String> {
    let mut pages = text
        .split(char::from(PAGE_END))
        .map(|page| text::clean(page).trim_end().to_owned())
        .collect::<Vec<_>>();
    if pages.last().is_some_and(String::is_empty) {
        pages.pop();
    }
    pages
}

/// Whether a page has letters that mean something. Fonts without a character map give private-use or unknown characters.
fn is_usable(page: &str) -> bool {
    let visible = page.chars().filter(|c| !c.is_whitespace()).count();
    let letters = page.chars().filter(|&c| c.is_alphanumeric()).count();
    letters >= FEWEST_LETTERS && letters * 5 >= visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read() {
        let info = "Title:           A: b\nAuthor:\nCreationDate:    2024-03-14T12:00:00+09\nPages:           7\n";
        let pdf = facts(info);
        assert_eq!(pdf.title.as_deref(), Some("A: b"));
        assert_eq!(pdf.author, None);
        assert_eq!(pdf.created.as_deref(), Some("2024-03-14T12:00:00+09:00"));
        assert_eq!(pdf.page_count, 7);
    }

    #[test]
    fn pages_end_with_form_feeds() {
        assert_eq!(pages("one\n\u{c}\u{c}three\0\n\u{c}"), ["one", "", "three"]);
        assert!(pages("").is_empty());
    }

    #[test]
    fn noise_is_no_text() {
        assert!(is_usable("Hello there"));
        assert!(is_usable("회의록입니다"));
        assert!(!is_usable(" 12 \n"));
        assert!(!is_usable(&"\u{e001}\u{fffd}".repeat(50)));
    }
}
