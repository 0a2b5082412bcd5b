//! Recordings and videos: facts, thumbnails, samples.

use std::path::{Path, PathBuf};

use tools::{PcmStream, ToolError};

use crate::support::{Bench, code, fixture};

#[tokio::test]
async fn facts_of_a_video() {
    let bench = Bench::new();
    let info = bench
        .tools
        .probe(&fixture("video/clip.mp4"), &bench.cancel)
        .await
        .unwrap();
    let video = info.video.unwrap();
    assert_eq!(
        (video.codec.as_str(), video.width, video.height),
        ("h264", 320, 180)
    );
    assert!(!video.is_cover_art && !video.hdr);
    assert_eq!(info.audio.unwrap().codec, "aac");
    assert!((info.duration_s.unwrap() - 4.0).abs() < 0.1);
}

#[tokio::test]
async fn facts_of_a_recording() {
    let bench = Bench::new();
    let info = bench
        .tools
        .probe(&fixture("audio/spoken.mp3"), &bench.cancel)
        .await
        .unwrap();
    assert_eq!(info.tags.title.as_deref(), Some("Library meeting"));
    assert_eq!(info.audio.unwrap().sample_rate, 16_000);
    assert_eq!(info.video, None);
    assert!((info.duration_s.unwrap() - 10.4).abs() < 0.2);
}

#[tokio::test]
async fn a_turned_video_is_shown_upright() {
    let bench = Bench::new();
    let path = fixture("video/rotated.mp4");
    let info = bench.tools.probe(&path, &bench.cancel).await.unwrap();
    assert_eq!(info.video.as_ref().unwrap().shown_size(), (180, 320));
    let picture = thumbnail(&bench, &path).await.unwrap();
    let shown = bench
        .tools
        .probe(&video_of(&bench, &picture).await, &bench.cancel)
        .await
        .unwrap();
    let shown = shown.video.unwrap();
    assert_eq!((shown.width, shown.height), (180, 320));
}

#[tokio::test]
async fn the_thumbnail_is_the_frame_in_the_middle() {
    let bench = Bench::new();
    for name in [
        "clip.mp4",
        "clip.webm",
        "clip.mov",
        "clip.mkv",
        "clip.avi",
        "silent.mp4",
        "여행 영상.mp4",
    ] {
        let picture = thumbnail(&bench, &fixture(&format!("video/{name}")))
            .await
            .unwrap();
        let (left, right) = colours(&bench, &picture).await;
        assert!(
            left.0 > 150 && left.2 < 100,
            "{name}: left is red, not {left:?}"
        );
        assert!(
            right.2 > 150 && right.0 < 100,
            "{name}: right is blue, not {right:?}"
        );
    }
}

#[tokio::test]
async fn no_temporary_file_stays() {
    let bench = Bench::new();
    thumbnail(&bench, &fixture("video/clip.mp4")).await.unwrap();
    assert_eq!(
        code(thumbnail(&bench, &fixture("audio/spoken.mp3")).await),
        "no_video"
    );
    let names = std::fs::read_dir(bench.dir.path()).unwrap();
    let names = names
        .map(|entry| entry.unwrap().file_name())
        .collect::<Vec<_>>();
    assert_eq!(names, ["thumbnail.jpg"]);
}

#[tokio::test]
async fn a_video_without_a_known_length_gives_its_first_frame() {
    let (left, _) = colours_at(None).await;
    assert!(left.1 > 90 && left.0 < 60, "green, not {left:?}");
}

#[tokio::test]
async fn a_video_with_a_wrong_length_gives_its_last_key_frame() {
    let (left, _) = colours_at(Some(100_000.0)).await;
    assert!(left.0 > 150 && left.2 < 100, "red, not {left:?}");
}

/// The colours of the clip's picture where it is believed to be so long.
async fn colours_at(duration_s: Option<f64>) -> (Rgb, Rgb) {
    let bench = Bench::new();
    let path = fixture("video/clip.mp4");
    let mut info = bench.tools.probe(&path, &bench.cancel).await.unwrap();
    info.duration_s = duration_s;
    let out = bench.dir.path().join("picture.jpg");
    let tools = &bench.tools;
    tools
        .thumbnail(&path, &info, &out, &bench.cancel)
        .await
        .unwrap();
    colours(&bench, &out).await
}

#[tokio::test]
async fn samples_of_every_kind_of_recording() {
    let bench = Bench::new();
    for (name, seconds) in [
        ("audio/spoken.mp3", 10.4),
        ("audio/short.wav", 2.6),
        ("audio/weather.opus", 10.4),
        ("audio/회의 녹음.m4a", 4.2),
        ("audio/silence.flac", 2.0),
        ("audio/mislabelled.pdf", 10.5),
        ("video/clip.webm", 4.0),
    ] {
        let stream = bench
            .tools
            .decode_pcm(&fixture(name), &bench.cancel)
            .await
            .unwrap();
        let samples = all(stream).await.unwrap();
        let length = samples.len() as f64 / f64::from(tools::SAMPLE_RATE);
        assert!((length - seconds).abs() < 0.2, "{name}: {length} s");
        assert!(samples.iter().all(|s| s.abs() <= 1.5));
    }
}

#[tokio::test]
async fn samples_come_in_the_asked_portions() {
    let bench = Bench::new();
    let path = fixture("audio/short.wav");
    let mut stream = bench.tools.decode_pcm(&path, &bench.cancel).await.unwrap();
    let mut samples = Vec::new();
    assert_eq!(stream.read(&mut samples, 1000).await.unwrap(), 1000);
    assert_eq!(stream.read(&mut samples, 7).await.unwrap(), 7);
    assert_eq!(samples.len(), 1007);
}

#[tokio::test]
async fn bad_files_have_clear_names() {
    let bench = Bench::new();
    let probe = async |name: &str| code(bench.tools.probe(&fixture(name), &bench.cancel).await);
    assert_eq!(probe("audio/empty.mp3").await, "empty");
    assert_eq!(probe("audio/noise.mp3").await, "damaged");
    assert_eq!(probe("video/truncated.mov").await, "damaged");
    let decode = async |name: &str| {
        let stream = bench
            .tools
            .decode_pcm(&fixture(name), &bench.cancel)
            .await?;
        all(stream).await
    };
    assert_eq!(code(decode("video/silent.mp4").await), "no_audio");
    assert_eq!(code(decode("audio/noise.mp3").await), "damaged");
    assert_eq!(code(decode("audio/empty.mp3").await), "empty");
    let header = std::fs::read(fixture("audio/short.wav")).unwrap();
    let header = bench.file("header.wav", &header[..44]);
    let stream = bench
        .tools
        .decode_pcm(&header, &bench.cancel)
        .await
        .unwrap();
    assert_eq!(code(all(stream).await), "no_audio");
    let error = decode("documents/report.pdf").await.unwrap_err();
    assert_eq!(error.code(), "damaged");
    assert!(
        !error.to_string().contains("fixtures"),
        "no path in the message: {error}"
    );
}

#[tokio::test]
async fn a_playlist_opens_no_other_file() {
    let bench = Bench::new();
    let secret = fixture("audio/short.wav");
    let secret = secret.display();
    let playlist =
        format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n{secret}\n#EXT-X-ENDLIST\n");
    let concat = format!("ffconcat version 1.0\nfile '{secret}'\n");
    for (name, content) in [("list.mp3", playlist), ("list.mp4", concat)] {
        let path = bench.file(name, content.as_bytes());
        assert_eq!(
            code(bench.tools.probe(&path, &bench.cancel).await),
            "damaged",
            "{name}"
        );
        let stream = bench.tools.decode_pcm(&path, &bench.cancel).await.unwrap();
        assert_eq!(code(all(stream).await), "damaged", "{name}");
    }
}

async fn all(mut stream: PcmStream) -> Result<Vec<f32>, ToolError> {
    let mut samples = Vec::new();
    while stream.read(&mut samples, 16_000).await? > 0 {}
    Ok(samples)
}

async fn thumbnail(bench: &Bench, path: &Path) -> Result<PathBuf, ToolError> {
    let info = bench.tools.probe(path, &bench.cancel).await?;
    let out = bench.dir.path().join("thumbnail.jpg");
    bench
        .tools
        .thumbnail(path, &info, &out, &bench.cancel)
        .await?;
    Ok(out)
}

/// The JPEG in a container that the probe reads.
async fn video_of(bench: &Bench, picture: &Path) -> PathBuf {
    let video = bench.dir.path().join("picture.mkv");
    let fence = tools::Fence::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .path(picture);
    fence
        .args(["-c", "copy"])
        .path(&video)
        .run(&bench.cancel)
        .await
        .unwrap();
    video
}

type Rgb = (u8, u8, u8);

/// The colours in the middle of the left and of the right half.
async fn colours(bench: &Bench, picture: &Path) -> (Rgb, Rgb) {
    let fence = tools::Fence::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .path(picture);
    let pixels = fence
        .args([
            "-vf",
            "scale=4:2",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "pipe:1",
        ])
        .run(&bench.cancel)
        .await
        .unwrap()
        .stdout;
    let at = |x: usize| (pixels[3 * x], pixels[3 * x + 1], pixels[3 * x + 2]);
    (at(0), at(3))
}
