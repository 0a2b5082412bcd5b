//! PDF text and OCR.

use std::sync::Mutex;

use tools::{PdfText, ToolError};

use crate::support::{Bench, code, fixture};

async fn pdf(name: &str) -> Result<PdfText, ToolError> {
    let bench = Bench::new();
    bench
        .tools
        .pdf_text(&fixture(name), |_| {}, &bench.cancel)
        .await
}

#[tokio::test]
async fn text_page_by_page() {
    for name in ["documents/report.pdf", "documents/owner-password.pdf"] {
        let pdf = pdf(name).await.unwrap();
        assert_eq!((pdf.page_count, pdf.pages.len()), (3, 3));
        assert!(pdf.pages[0].contains("Marigold Finch"), "{}", pdf.pages[0]);
        assert!(
            pdf.pages[1].contains("열람실 연차 보고서"),
            "{}",
            pdf.pages[1]
        );
        assert!(pdf.pages[2].contains("beanbags"), "{}", pdf.pages[2]);
        assert_eq!(
            pdf.title.as_deref(),
            Some("Annual report of the reading room")
        );
        assert!(pdf.created.unwrap().starts_with("20"));
        assert!(pdf.pages_without_text.is_empty());
    }
}

#[tokio::test]
async fn bad_files_have_clear_names() {
    assert_eq!(code(pdf("documents/encrypted.pdf").await), "encrypted");
    assert_eq!(code(pdf("documents/truncated.pdf").await), "damaged");
    assert_eq!(code(pdf("documents/empty.pdf").await), "empty");
    assert_eq!(code(pdf("audio/mislabelled.pdf").await), "damaged");
}

#[tokio::test]
async fn a_scan_is_read_by_ocr() {
    let bench = Bench::new();
    let path = fixture("documents/scan.pdf");
    let pdf = bench
        .tools
        .pdf_text(&path, |_| {}, &bench.cancel)
        .await
        .unwrap();
    assert_eq!(pdf.pages_without_text, [1]);
    let seen = Mutex::new(Vec::new());
    let progress = |share| seen.lock().unwrap().push(share);
    let pages = bench
        .tools
        .ocr_pdf_pages(&path, &[1], progress, &bench.cancel)
        .await
        .unwrap();
    assert_eq!((pages.len(), pages[0].page), (1, 1));
    let text = &pages[0].text;
    assert!(
        text.contains("Albatross") && text.contains("70315") && text.contains("사무소"),
        "{text}"
    );
    assert_eq!(*seen.lock().unwrap(), [0.5, 1.0]);
    assert_eq!(
        std::fs::read_dir(bench.dir.path()).unwrap().count(),
        0,
        "no temporary file stays"
    );
}

#[tokio::test]
async fn a_picture_of_text_is_read() {
    let bench = Bench::new();
    let read = bench
        .tools
        .ocr_image(&fixture("documents/scan.png"), |_| {}, &bench.cancel)
        .await
        .unwrap();
    assert!(read.confidence > 0.8);
    assert!(
        read.text.contains("Mooring fee") && read.text.contains("정박"),
        "{}",
        read.text
    );
}

#[tokio::test]
async fn what_is_no_picture_is_damaged() {
    let bench = Bench::new();
    let read = bench
        .tools
        .ocr_image(&fixture("documents/workshop.md"), |_| {}, &bench.cancel)
        .await;
    assert_eq!(code(read), "damaged");
    let read = bench
        .tools
        .ocr_image(&fixture("documents/empty.pdf"), |_| {}, &bench.cancel)
        .await;
    assert_eq!(code(read), "empty");
}
