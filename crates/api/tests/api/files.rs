//! Originals, thumbnails and previews over HTTP.

use axum::body::Body;
use axum::http::Method;
use model::{DocumentPatch, Write, name::nfd};

use crate::harness::Site;

/// Ten bytes that no reader takes for text.
const TEN: &[u8] = b"\0\x01\x02\x03456789";

#[tokio::test]
async fn ranges_are_exact() {
    let site = Site::new().await;
    let id = site.document("a.mp3", TEN).await;
    let url = format!("/api/documents/{id}/file");
    let whole = site.get(&url).await;
    assert_eq!((whole.status.as_u16(), whole.body.as_slice()), (200, TEN));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-length"), "10");
    assert_eq!(whole.header("content-type"), "audio/mpeg");
    let tag = whole.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", blake3::hash(TEN).to_hex()));

    let part = async |headers: &[(&str, &str)]| site.get_with(&url, headers).await;
    for (range, place, bytes) in [
        ("bytes=0-0", "bytes 0-0/10", "\0"),
        ("bytes=3-5", "bytes 3-5/10", "\x0345"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=5-100", "bytes 5-9/10", "56789"),
    ] {
        let answer = part(&[("range", range)]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (206, bytes),
            "{range}"
        );
        assert_eq!(answer.header("content-range"), place);
        assert_eq!(answer.header("content-length"), bytes.len().to_string());
    }
    for range in ["bytes=10-", "bytes=-0", "bytes=99-100"] {
        let answer = part(&[("range", range)]).await;
        answer.refused(416, "range_not_satisfiable");
        assert_eq!(answer.header("content-range"), "bytes */10");
    }
    for headers in [
        [("range", "bytes=0-1,4-5"), ("x", "y")],
        [("range", "bytes=5-2"), ("x", "y")],
        [("range", "bytes=0-1"), ("if-range", "\"other\"")],
        [
            ("range", "bytes=0-1"),
            ("if-range", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ],
    ] {
        assert_eq!(part(&headers).await.body, TEN, "{headers:?}");
    }
    let same = part(&[("range", "bytes=0-1"), ("if-range", &tag)]).await;
    assert_eq!(
        (same.status.as_u16(), same.text().as_str()),
        (206, "\0\x01")
    );
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = part(&[("if-none-match", &known), ("range", "bytes=0-1")]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (304, 0),
            "{known}"
        );
    }
    assert_eq!(part(&[("if-none-match", "\"x\"")]).await.status, 200);
}

#[tokio::test]
async fn parts_of_a_changed_file_are_not_put_beside_those_of_the_old() {
    let site = Site::new().await;
    let id = site.document("a.mp3", TEN).await;
    let url = format!("/api/documents/{id}/file");
    let tag = site.get(&url).await.header("etag").to_owned();
    // Changed on the disk, and not looked at again yet.
    let changed = b"\0another recording";
    std::fs::write(site.library().join("Inbox/a.mp3"), changed).unwrap();
    let answer = site
        .get_with(&url, &[("range", "bytes=3-5"), ("if-range", &tag)])
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, &changed[..])
    );
    assert_ne!(answer.header("etag"), tag);
}

#[tokio::test]
async fn head_tells_without_sending() {
    let site = Site::new().await;
    let id = site.document("a.mp3", TEN).await;
    let request = site
        .request(Method::HEAD, &format!("/api/documents/{id}/file"))
        .header("range", "bytes=0-1");
    let answer = site.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), "10");
    assert_eq!(answer.header("accept-ranges"), "bytes");
}

#[tokio::test]
async fn what_a_browser_could_run_is_saved_instead() {
    let site = Site::new().await;
    let page = b"<!doctype html><script>alert(1)</script>";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let samples: [(&str, &[u8], &str, bool); 6] = [
        ("a.html", page, "text/html; charset=utf-8", false),
        ("a.svg", svg, "image/svg+xml", false),
        (
            "a.xml",
            b"<?xml version='1.0'?><a/>",
            "application/xml",
            false,
        ),
        (
            "a.txt",
            "가나다".as_bytes(),
            "text/plain; charset=utf-8",
            true,
        ),
        ("b.txt", b"\xC8\xB8\xC0\xC7\xB7\xCF", "text/plain", true),
        ("a.pdf", b"%PDF-1.4 x", "application/pdf", true),
    ];
    for (name, content, mime, shown) in samples {
        let id = site.document(name, content).await;
        let url = format!("/api/documents/{id}/file");
        let answer = site.get(&url).await;
        assert_eq!(answer.header("content-type"), mime, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy.contains("sandbox"),
            mime != "application/pdf",
            "{name}: {policy}"
        );
        let word = if shown { "inline; " } else { "attachment; " };
        assert!(
            answer.header("content-disposition").starts_with(word),
            "{name}"
        );
        let saved = site.get(&format!("{url}?download=1")).await;
        assert!(
            saved
                .header("content-disposition")
                .starts_with("attachment; "),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_korean_name_opens_in_every_form() {
    let site = Site::new().await;
    let id = site.document("회의록.txt", b"x").await;
    let url = format!("/api/documents/{id}/file");
    let answer = site.get(&url).await;
    let name = "filename*=UTF-8''%ED%9A%8C%EC%9D%98%EB%A1%9D.txt";
    assert!(answer.header("content-disposition").ends_with(name));
    let inbox = site.library().join("Inbox");
    std::fs::rename(inbox.join("회의록.txt"), inbox.join(nfd("회의록.txt"))).unwrap();
    assert_eq!(site.get(&url).await.text(), "x");
}

#[tokio::test]
async fn a_missing_original_is_told() {
    let site = Site::new().await;
    let id = site.document("a.txt", b"x").await;
    std::fs::remove_file(site.library().join("Inbox/a.txt")).unwrap();
    site.get(&format!("/api/documents/{id}/file"))
        .await
        .refused(404, "original_missing");
    site.get(&format!("/api/documents/{id}/preview"))
        .await
        .refused(404, "original_missing");
    site.get("/api/documents/x/file")
        .await
        .refused(404, "document_not_found");
}

#[tokio::test]
async fn thumbnails_and_previews_come_from_their_folder_alone() {
    let site = Site::new().await;
    let id = site.document("a.mp4", b"\0film").await;
    for kind in ["documents", "video"] {
        site.get(&format!("/api/{kind}/{id}/thumbnail"))
            .await
            .refused(404, "no_thumbnail");
    }
    let paths = |thumbnail: &str, preview: &str| {
        let patch = DocumentPatch {
            thumbnail_path: Some(thumbnail.into()),
            preview_path: Some(preview.into()),
            ..DocumentPatch::default()
        };
        [Write::Patch(Box::new(patch))]
    };
    site.derived("thumbnails/a.jpg", b"picture");
    site.derived("previews/a.pdf", b"%PDF");
    site.write(&id, &paths("thumbnails/a.jpg", "previews/a.pdf"))
        .await;
    for kind in ["documents", "video"] {
        let answer = site.get(&format!("/api/{kind}/{id}/thumbnail")).await;
        assert_eq!(
            (answer.text().as_str(), answer.header("content-type")),
            ("picture", "image/jpeg")
        );
    }
    let preview = site.get(&format!("/api/documents/{id}/preview")).await;
    assert_eq!(
        (preview.text().as_str(), preview.header("content-type")),
        ("%PDF", "application/pdf")
    );

    site.write(&id, &paths("../seogo.db", "/etc/passwd")).await;
    site.get(&format!("/api/documents/{id}/thumbnail"))
        .await
        .refused(404, "no_thumbnail");
    let preview = site.get(&format!("/api/documents/{id}/preview")).await;
    assert_eq!(
        preview.text(),
        "\0film",
        "the original, as if there were no preview"
    );
    site.write(&id, &paths("gone.jpg", "gone.pdf")).await;
    site.get(&format!("/api/documents/{id}/thumbnail"))
        .await
        .refused(404, "no_thumbnail");
    site.get(&format!("/api/documents/{id}/preview"))
        .await
        .refused(404, "no_preview");

    let text = site.document("b.txt", b"x").await;
    site.get(&format!("/api/video/{text}/thumbnail"))
        .await
        .refused(404, "not_a_video");
    let table = site.document("c.csv", b"a,b").await;
    let preview = site.get(&format!("/api/documents/{table}/preview")).await;
    assert_eq!(
        preview.header("content-type"),
        "text/plain; charset=utf-8",
        "else it is saved"
    );
    let office = site.document("b.rtf", b"{\\rtf1 x}").await;
    site.get(&format!("/api/documents/{office}/preview"))
        .await
        .refused(404, "no_preview");
}
