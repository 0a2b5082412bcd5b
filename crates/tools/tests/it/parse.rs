//! Text and HTML through the parse child.

use tools::{ParseKind, ParsedText, ToolError};

use crate::support::{Bench, code, fixture};

async fn parse(kind: ParseKind, name: &str) -> Result<ParsedText, ToolError> {
    let bench = Bench::new();
    bench.tools.parse(kind, &fixture(name), &bench.cancel).await
}

#[tokio::test]
async fn text_in_every_encoding() {
    for (name, encoding, words) in [
        ("korean-utf8.txt", "UTF-8", "지붕 수리"),
        ("korean-cp949.txt", "EUC-KR", "한빛건설"),
        ("korean-utf16le.txt", "UTF-16LE", "지붕 수리"),
        ("korean-utf16le-no-bom.txt", "UTF-16LE", "한빛건설"),
        ("japanese-shift-jis.txt", "Shift_JIS", "開館時間"),
        ("회의록.txt", "UTF-8", "섣달 초하루"),
        ("workshop.md", "UTF-8", "Bartholomew"),
    ] {
        let parsed = parse(ParseKind::Text, &format!("documents/{name}"))
            .await
            .unwrap();
        assert_eq!(parsed.encoding, encoding, "{name}");
        assert!(parsed.text.contains(words), "{name}: {}", parsed.text);
    }
}

#[tokio::test]
async fn html_without_its_scripts() {
    let page = parse(ParseKind::Html, "documents/bicycle.html")
        .await
        .unwrap();
    assert_eq!(page.title.as_deref(), Some("How to mend a bicycle tyre"));
    assert_eq!(page.language.as_deref(), Some("en"));
    assert!(
        page.text.contains("vulcanising solution thinly & wait"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("- patch kit\n") && page.text.contains("inner tube | 7.50"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("xylophone") && !page.text.contains("never-shown"));
    let page = parse(ParseKind::Html, "documents/market-cp949.html")
        .await
        .unwrap();
    assert_eq!(page.title.as_deref(), Some("시골 장터"));
    assert!(page.text.contains("똠방각하"));
}

#[tokio::test]
async fn deep_nesting_is_read_to_its_bottom() {
    let page = parse(ParseKind::Html, "documents/deep.html").await.unwrap();
    assert_eq!(page.text, "bottom of the well");
}

#[tokio::test]
async fn bad_files_have_clear_names() {
    assert_eq!(
        code(parse(ParseKind::Text, "documents/empty.txt").await),
        "empty"
    );
    assert_eq!(
        code(parse(ParseKind::Text, "documents/binary.txt").await),
        "binary"
    );
    assert_eq!(
        code(parse(ParseKind::Html, "video/clip.mp4").await),
        "binary"
    );
    let bench = Bench::new();
    let absent = bench.dir.path().join("absent.txt");
    assert_eq!(
        code(
            bench
                .tools
                .parse(ParseKind::Text, &absent, &bench.cancel)
                .await
        ),
        "io"
    );
    let large = bench.file("large.txt", &vec![b'a'; 33 * 1024 * 1024]);
    assert_eq!(
        code(
            bench
                .tools
                .parse(ParseKind::Text, &large, &bench.cancel)
                .await
        ),
        "too_large"
    );
}

#[tokio::test]
async fn a_child_that_is_not_ours_is_a_failure_not_a_text() {
    let bench = Bench::with(|settings| settings.self_program = "/bin/echo".into());
    let path = fixture("documents/workshop.md");
    let parsed = bench
        .tools
        .parse(ParseKind::Text, &path, &bench.cancel)
        .await;
    assert_eq!(code(parsed), "tool_failed");
}
