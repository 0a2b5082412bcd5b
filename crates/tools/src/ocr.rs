//! Text of pictures and scans, by tesseract.
//!
//! Its own choice of layout finds columns and turned pages but throws whole lines of Hangul away as dots and dashes; taken as one
//! column the same page reads well. So both are tried, and what more confident letters come from is taken.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::media::megabytes;
use crate::picture_size;
use crate::{Fence, ToolError, Toolbox};

/// Dots an inch that PDF pages are drawn with.
const DOTS_PER_INCH: &str = "300";

/// Longest side of a drawn page, in pixels (an A3 page at 300 dots an inch); larger pages are drawn smaller.
const LONGEST_SIDE: u32 = 5000;

/// Below this mean confidence (0 to 100) it is no text: the grain of a photograph, lines, a drawing.
const LEAST_CONFIDENCE: f64 = 40.0;

/// From this confidence on a word is counted when two readings are compared.
const SURE: f64 = 60.0;

/// Layouts that are tried: tesseract's own choice with turning, and one column.
const LAYOUTS: [&str; 2] = ["1", "4"];

/// The first layout is kept unless another gives so much more, in percent.
const BETTER_BY_PERCENT: f64 = 103.0;

/// What was read off a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OcrText {
    /// The text; may be empty.
    pub text: String,
    /// 0 to 1, the mean over its letters.
    pub confidence: f64,
}

/// A page of a PDF read by OCR.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OcrPage {
    /// Number of the page, from 1.
    pub page: usize,
    /// What was read.
    pub text: String,
}

impl Toolbox {
    /// Reads the text of a picture (PNG, JPEG, TIFF, WebP, BMP, GIF). `progress` is told the share that is done, 0 to 1. Errors:
    /// `damaged`, `empty` (0 bytes).
    pub async fn ocr_image(
        &self,
        path: &Path,
        progress: impl Fn(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<OcrText, ToolError> {
        let size = picture_size::megapixels(path, megabytes(path).await?).await;
        let mut best = Reading::default();
        for (done, layout) in LAYOUTS.iter().enumerate() {
            let other = self.read_as(path, size, layout, cancel).await?;
            if done == 0 || other.score * 100.0 > best.score * BETTER_BY_PERCENT {
                best = other;
            }
            progress((done + 1) as f64 / LAYOUTS.len() as f64);
        }
        Ok(best.into())
    }

    /// Draws pages of a PDF and reads them. `pages` counts from 1; `progress` is told the share that is done, 0 to 1. More pages than
    /// [`ocr_pages`](crate::ToolLimits::ocr_pages) are left out.
    pub async fn ocr_pdf_pages(
        &self,
        path: &Path,
        pages: &[usize],
        progress: impl Fn(f64) + Send + Sync,
        cancel: &CancellationToken,
    ) -> Result<Vec<OcrPage>, ToolError> {
        let size = megabytes(path).await?;
        let folder = self.scratch_folder("pages-")?;
        let pages = &pages[..pages.len().min(self.limits().ocr_pages)];
        let mut read = Vec::new();
        for (done, &page) in pages.iter().enumerate() {
            let fence = self.fence("pdftoppm", self.limits().render_page, size);
            let scale = self.scale_of(path, size, page, cancel).await;
            let picture = draw_page(fence, path, page, scale, folder.path(), cancel).await?;
            let of_page = |part: f64| progress((done as f64 + part) / pages.len() as f64);
            let text = self.ocr_image(&picture, of_page, cancel).await?.text;
            // Gone at once: hundreds of pages would fill the disk.
            let _ = tokio::fs::remove_file(&picture).await;
            read.push(OcrPage { page, text });
        }
        Ok(read)
    }

    /// The options that say how large a page is drawn.
    async fn scale_of(
        &self,
        path: &Path,
        size: f64,
        page: usize,
        cancel: &CancellationToken,
    ) -> [String; 2] {
        match self.page_size(path, size, page, cancel).await {
            Some(inches) if inches * 300.0 > f64::from(LONGEST_SIDE) => {
                ["-scale-to".into(), LONGEST_SIDE.to_string()]
            }
            _ => ["-r".into(), DOTS_PER_INCH.to_owned()],
        }
    }

    /// The longer side of a page in inches.
    async fn page_size(
        &self,
        path: &Path,
        size: f64,
        page: usize,
        cancel: &CancellationToken,
    ) -> Option<f64> {
        let (fence, page) = (
            self.fence("pdfinfo", self.limits().pdf_facts, size),
            page.to_string(),
        );
        let fence = fence.args(["-f", &page, "-l", &page]).path(path);
        let info = fence.run_any(cancel).await.ok()?.text();
        // `Page    3 size:  612 x 792 pts (letter)`
        let line = info
            .lines()
            .find(|line| line.contains(" size:") && line.contains(" pts"))?;
        let (_, size) = line.split_once("size:")?;
        let points = size
            .split_whitespace()
            .filter_map(|word| word.parse::<f64>().ok());
        points.reduce(f64::max).map(|points| points / 72.0)
    }

    async fn read_as(
        &self,
        path: &Path,
        megapixels: f64,
        layout: &str,
        cancel: &CancellationToken,
    ) -> Result<Reading, ToolError> {
        let folder = self.scratch_folder("ocr-")?;
        let base = folder.path().join("read");
        self.fence("tesseract", self.limits().ocr_picture, megapixels)
            .env("OMP_THREAD_LIMIT", "1")
            .path(path)
            .path(&base)
            .args(["-l", &self.settings().ocr_languages])
            .args(["--psm", layout, "txt", "tsv"])
            .run(cancel)
            .await
            .map_err(unreadable)?;
        let file = |extension| read_to_string(base.with_extension(extension));
        let (text, tsv) = (file("txt").await?, file("tsv").await?);
        Ok(Reading::new(&text, &tsv))
    }
}

async fn draw_page(
    fence: Fence,
    path: &Path,
    page: usize,
    scale: [String; 2],
    folder: &Path,
    cancel: &CancellationToken,
) -> Result<PathBuf, ToolError> {
    let (root, page) = (folder.join("page"), page.to_string());
    fence
        .args(["-f", &page, "-l", &page, "-gray", "-png", "-singlefile"])
        .args(scale)
        .path(path)
        .path(&root)
        .run(cancel)
        .await?;
    Ok(root.with_extension("png"))
}

async fn read_to_string(path: PathBuf) -> Result<String, ToolError> {
    let bytes = tokio::fs::read(&path).await;
    let bytes = bytes.map_err(ToolError::io("cannot read", &path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreadable(error: ToolError) -> ToolError {
    let ToolError::Failed { stderr, .. } = &error else {
        return error;
    };
    if stderr.contains("Failed loading language") {
        return ToolError::Missing {
            program: "tesseract's language data".into(),
            mend: "apt install tesseract-ocr-kor tesseract-ocr-eng".into(),
        };
    }
    ToolError::bad_input(
        "damaged",
        "This picture cannot be read: it is damaged, too large or of a kind that OCR does not know. Save it as PNG or JPEG and put that here.",
    )
}

/// The text, and how sure the engine is of its letters.
#[derive(Debug, Default)]
struct Reading {
    text: String,
    letters: usize,
    /// Over all letters, 0 to 100 each.
    confidence_sum: f64,
    /// The same over the letters of sure words.
    score: f64,
}

impl Reading {
    /// From tesseract's text and its TSV: level, page, block, paragraph, line, word, left, top, width, height, confidence, text. The text
    /// has the right spaces between Hangul, the table has the confidence.
    fn new(text: &str, tsv: &str) -> Self {
        let mut reading = Self::default();
        for row in tsv.lines().skip(1) {
            let columns = row.split('\t').collect::<Vec<_>>();
            let [.., confidence, word] = columns[..] else {
                continue;
            };
            let (letters, confidence) = (
                word.trim().chars().count(),
                confidence.parse().unwrap_or(-1.0),
            );
            if letters > 0 && confidence >= 0.0 {
                reading.letters += letters;
                reading.confidence_sum += letters as f64 * confidence;
            }
            if confidence >= SURE {
                reading.score += letters as f64 * confidence;
            }
        }
        if reading.confidence() >= LEAST_CONFIDENCE {
            reading.text = crate::text::clean(text).trim().replace('\u{c}', "\n");
        }
        reading
    }

    /// Mean over the letters, 0 to 100.
    fn confidence(&self) -> f64 {
        self.confidence_sum / self.letters.max(1) as f64
    }
}

impl From<Reading> for OcrText {
    fn from(reading: Reading) -> Self {
        Self {
            confidence: reading.confidence() / 100.0,
            text: reading.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "level\tpage\tblock\tpar\tline\tword\tleft\ttop\twidth\theight\tconf\ttext\n";

    #[test]
    fn sure_letters_count() {
        let tsv = format!(
            "{HEAD}4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t90\t안녕\n5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t40\tab\n"
        );
        let reading = Reading::new("안녕 ab\n\u{c}", &tsv);
        assert_eq!(
            (reading.letters, reading.confidence(), reading.score),
            (4, 65.0, 180.0)
        );
        assert_eq!(reading.text, "안녕 ab");
    }

    #[test]
    fn noise_is_no_text() {
        let tsv = format!("{HEAD}5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t12\t~=|\n");
        assert_eq!(Reading::new("~=|", &tsv).text, "");
    }
}
