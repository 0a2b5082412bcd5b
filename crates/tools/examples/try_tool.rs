//! Runs one tool on files and prints a line of JSON for each: `cargo run -p seogo-tools --example try_tool -- KIND FILE…`.
//! Kinds: probe, thumbnail, pcm, text, html, pdf, ocr, scan, draft.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tools::{ParseKind, ToolError, Toolbox, ToolboxSettings};

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let kind = args.next().unwrap_or_default();
    let parse_child = PathBuf::from("target/debug/parse-child");
    let child = std::path::absolute(parse_child).unwrap_or_default();
    let tools = Toolbox::new(ToolboxSettings::new(child, PathBuf::from("/tmp")));
    for file in args {
        let begun = tokio::time::Instant::now();
        let result = run(&tools, &kind, Path::new(&file)).await;
        let seconds = begun.elapsed().as_secs_f64();
        let line = match result {
            Ok(value) => json!({"file": file, "s": seconds, "ok": value}),
            Err(error) => {
                json!({"file": file, "s": seconds, "error": error.code(), "message": error.to_string()})
            }
        };
        println!("{line}");
    }
}

async fn run(tools: &Toolbox, kind: &str, path: &Path) -> Result<Value, ToolError> {
    let cancel = CancellationToken::new();
    match kind {
        "probe" => tools.probe(path, &cancel).await.map(|info| json!(info)),
        "thumbnail" => {
            let info = tools.probe(path, &cancel).await?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let out = PathBuf::from(format!("/tmp/thumbnail-{name}.jpg"));
            tools.thumbnail(path, &info, &out, &cancel).await?;
            Ok(json!(out))
        }
        "pcm" => {
            let mut stream = tools.decode_pcm(path, &cancel).await?;
            let mut samples = Vec::new();
            while stream.read(&mut samples, 16_000).await? > 0 {
                samples.clear();
            }
            Ok(json!(stream.seconds()))
        }
        "text" => tools
            .parse(ParseKind::Text, path, &cancel)
            .await
            .map(|text| json!(text)),
        "html" => tools
            .parse(ParseKind::Html, path, &cancel)
            .await
            .map(|text| json!(text)),
        "pdf" => tools
            .pdf_text(path, |_| {}, &cancel)
            .await
            .map(|pdf| json!(pdf)),
        "draft" => tools
            .draft_transcript(path, |_| {}, &cancel)
            .await
            .map(|lines| json!(lines)),
        "ocr" => tools
            .ocr_image(path, |_| {}, &cancel)
            .await
            .map(|text| json!(text)),
        "scan" => {
            let pages = tools
                .pdf_text(path, |_| {}, &cancel)
                .await?
                .pages_without_text;
            let pages = tools.ocr_pdf_pages(path, &pages, |_| {}, &cancel).await?;
            Ok(json!({"pages": pages.iter().map(|page| &page.text).collect::<Vec<_>>()}))
        }
        _ => Ok(json!("no such kind")),
    }
}
