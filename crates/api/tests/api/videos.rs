//! What goes with a video: pictures for its seek bar, subtitles, ranges of it.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::Site;

/// What no reader takes for text.
const FILM: &[u8] = b"\0film";

#[tokio::test]
async fn the_seek_bars_pictures_come_when_they_were_made() {
    let site = Site::new().await;
    let id = site.document("a.mp4", FILM).await;
    let hash = blake3::hash(FILM).to_hex();
    for file in ["storyboard.vtt", "storyboard.jpg"] {
        site.get(&format!("/api/video/{id}/{file}"))
            .await
            .refused(404, "no_storyboard");
    }
    site.derived(&format!("storyboards/{hash}.vtt"), b"WEBVTT\n");
    site.derived(&format!("storyboards/{hash}.jpg"), b"picture");
    for (file, mime, content) in [
        ("storyboard.vtt", "text/vtt; charset=utf-8", "WEBVTT\n"),
        ("storyboard.jpg", "image/jpeg", "picture"),
    ] {
        let answer = site.get(&format!("/api/video/{id}/{file}")).await;
        assert_eq!(answer.header("content-type"), mime);
        assert_eq!(answer.text(), content);
    }
    let text = site.document("b.txt", b"x").await;
    site.get(&format!("/api/video/{text}/storyboard.vtt"))
        .await
        .refused(404, "not_a_video");
}

#[tokio::test]
async fn subtitles_are_listed_and_served() {
    let site = Site::new().await;
    let id = site.document("a.mp4", FILM).await;
    let hash = blake3::hash(FILM).to_hex();
    let list = format!("/api/video/{id}/subtitles");
    assert_eq!(site.get(&list).await.ok(200), json!([]));
    site.get(&format!("{list}/0"))
        .await
        .refused(404, "no_subtitles");
    let tracks = br#"[{"language":"ko","title":null}]"#;
    site.derived(&format!("subtitles/{hash}/tracks.json"), tracks);
    site.derived(
        &format!("subtitles/{hash}/0.vtt"),
        "WEBVTT\n\n가".as_bytes(),
    );
    let found = site.get(&list).await.ok(200);
    assert_eq!(found, json!([{"language": "ko", "title": null}]));
    let track = site.get(&format!("{list}/0")).await;
    assert_eq!(track.header("content-type"), "text/vtt; charset=utf-8");
    assert_eq!(track.text(), "WEBVTT\n\n가");
    for wrong in ["1", "99999999"] {
        site.get(&format!("{list}/{wrong}"))
            .await
            .refused(404, "no_subtitles");
    }
}

#[tokio::test]
async fn a_token_for_the_preview_opens_both_and_nothing_without() {
    let site = Site::new().await;
    let id = site.document("a.mp4", FILM).await;
    let hash = blake3::hash(FILM).to_hex();
    site.derived(&format!("subtitles/{hash}/0.vtt"), b"WEBVTT\n");
    let url = format!("/api/video/{id}/subtitles/0");
    let asked = json!({"purpose": "preview"});
    let token = site
        .post(&format!("/api/documents/{id}/media-token"), asked)
        .await
        .ok(200);
    let token = token["token"].as_str().unwrap();
    let anonymous = async |url: &str| site.anonymous(Method::GET, url, Value::Null).await;
    let opened = anonymous(&format!("{url}?token={token}")).await;
    assert_eq!(opened.text(), "WEBVTT\n");
    anonymous(&url).await.refused(401, "unauthorized");
}
