//! Videos as phones, cameras and crashes leave them, made by ffmpeg here: pictures, playable copies, seek bars, subtitles.

use std::path::{Path, PathBuf};

use tools::{Fence, MediaInfo, SubtitleFormat, ToolError, ToolLimits, web_vtt};

use crate::support::{Bench, code};

/// Makes a video in the bench's folder.
async fn make(bench: &Bench, name: &str, args: &[&str]) -> PathBuf {
    let path = bench.dir.path().join(name);
    Fence::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(args)
        .path(&path)
        .limits(ToolLimits::default().convert.limits(0.0))
        .run(&bench.cancel)
        .await
        .unwrap();
    path
}

const PICTURE: [&str; 4] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x180:rate=10:duration=4",
];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=frequency=440:duration=4"];
const H264: [&str; 4] = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];

async fn probe(bench: &Bench, path: &Path) -> MediaInfo {
    bench.tools.probe(path, &bench.cancel).await.unwrap()
}

async fn thumbnail(bench: &Bench, path: &Path) -> Result<(i64, i64), ToolError> {
    let info = bench.tools.probe(path, &bench.cancel).await?;
    let out = bench.dir.path().join("thumbnail.jpg");
    let _ = std::fs::remove_file(&out);
    bench
        .tools
        .thumbnail(path, &info, &out, &bench.cancel)
        .await?;
    Ok(size(bench, &out).await)
}

/// Width and height of a JPEG.
async fn size(bench: &Bench, picture: &Path) -> (i64, i64) {
    let video = bench.dir.path().join("picture.mkv");
    Fence::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .path(picture)
        .args(["-c", "copy"])
        .path(&video)
        .run(&bench.cancel)
        .await
        .unwrap();
    let video = probe(bench, &video).await.video.unwrap();
    (video.width, video.height)
}

/// The mean brightness of a picture, 0 to 255.
async fn brightness(bench: &Bench, picture: &Path) -> u8 {
    let fence = Fence::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .path(picture);
    let fence = fence.args(["-vf", "scale=1:1,format=gray", "-f", "rawvideo", "pipe:1"]);
    fence.run(&bench.cancel).await.unwrap().stdout[0]
}

#[tokio::test]
async fn odd_single_and_damaged_videos_have_a_picture() {
    let bench = Bench::new();
    let odd = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=321x181:rate=10:duration=1",
        "-c:v",
        "libvpx",
    ];
    let odd = make(&bench, "odd.webm", &odd).await;
    assert_eq!(thumbnail(&bench, &odd).await.unwrap(), (321, 181));

    let single = [&PICTURE[..], &H264, &["-frames:v", "1"]].concat();
    let single = make(&bench, "single.mp4", &single).await;
    assert_eq!(thumbnail(&bench, &single).await.unwrap(), (320, 180));

    // A recording that was never closed: no length anywhere.
    let live = [&PICTURE[..], &H264, &["-f", "matroska", "-live", "1"]].concat();
    let live = make(&bench, "live.webm", &live).await;
    assert_eq!(probe(&bench, &live).await.duration_s, None);
    assert_eq!(thumbnail(&bench, &live).await.unwrap(), (320, 180));

    // Its index is whole, half of its pictures are gone.
    let whole = [
        &PICTURE[..],
        &H264,
        &["-g", "10", "-movflags", "+faststart"],
    ]
    .concat();
    let whole = make(&bench, "whole.mp4", &whole).await;
    let bytes = std::fs::read(&whole).unwrap();
    let cut = bench.file("cut.mp4", &bytes[..bytes.len() / 3]);
    assert_eq!(thumbnail(&bench, &cut).await.unwrap(), (320, 180));
    let stump = bench.file("stump.mp4", &bytes[..200]);
    assert_eq!(code(thumbnail(&bench, &stump).await), "no_video");
}

#[tokio::test]
async fn a_cover_stands_for_a_recording_and_a_long_video_gives_a_key_frame() {
    let bench = Bench::new();
    let cover = make(
        &bench,
        "cover.png",
        &[
            "-f",
            "lavfi",
            "-i",
            "color=red:size=64x64",
            "-frames:v",
            "1",
        ],
    )
    .await;
    let cover = cover.to_str().unwrap();
    let song = [
        &SOUND[..],
        &[
            "-i",
            cover,
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "mjpeg",
            "-disposition:v",
            "attached_pic",
        ],
    ]
    .concat();
    let song = make(&bench, "song.mp4", &song).await;
    let info = probe(&bench, &song).await;
    assert!(info.video.as_ref().unwrap().is_cover_art && info.moving_picture().is_none());
    assert!(info.plays_in_browser());
    assert_eq!(thumbnail(&bench, &song).await.unwrap(), (64, 64));

    // Black but for the one key frame before the middle: exact decoding would give black.
    let flash =
        "color=black:size=320x180:rate=1:duration=120,drawbox=color=white:t=fill:enable='eq(n,50)'";
    let flash = ["-f", "lavfi", "-i", flash];
    let flash = [
        &flash[..],
        &H264,
        &["-g", "50", "-keyint_min", "50", "-sc_threshold", "0"],
    ]
    .concat();
    let flash = make(&bench, "flash.mp4", &flash).await;
    thumbnail(&bench, &flash).await.unwrap();
    assert!(brightness(&bench, &bench.dir.path().join("thumbnail.jpg")).await > 200);
}

#[tokio::test]
async fn high_dynamic_range_is_brought_down() {
    let bench = Bench::new();
    // Mid grey of PQ is bright light; shown as if it were ordinary it would stay mid grey.
    let grey = [
        "-f",
        "lavfi",
        "-i",
        "color=0xa0a0a0:size=320x180:rate=10:duration=1",
    ];
    let pq = [
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
        "-pix_fmt",
        "yuv420p10le",
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
    ];
    let hdr = make(&bench, "hdr.mp4", &[&grey[..], &pq].concat()).await;
    let info = probe(&bench, &hdr).await;
    assert!(info.video.as_ref().unwrap().hdr && !info.plays_in_browser());
    assert_eq!(thumbnail(&bench, &hdr).await.unwrap(), (320, 180));
    let mapped = brightness(&bench, &bench.dir.path().join("thumbnail.jpg")).await;
    assert!(mapped > 200, "as bright as it was filmed, not {mapped}");
    let (copy, out) = convert(&bench, &hdr).await.unwrap();
    assert!(copy.plays_in_browser() && !copy.video.unwrap().hdr);
    let copied = brightness(&bench, &out).await;
    assert!(copied > 200, "in the copy too, not {copied}");
}

async fn convert(bench: &Bench, path: &Path) -> Result<(MediaInfo, PathBuf), ToolError> {
    let info = bench.tools.probe(path, &bench.cancel).await?;
    let out = bench.dir.path().join("copy.mp4");
    bench
        .tools
        .convert_video(path, &info, &out, |_| {}, &bench.cancel)
        .await?;
    Ok((probe(bench, &out).await, out))
}

/// What the packets of a file's picture hold: the same after a copy, another after encoding.
async fn packets(bench: &Bench, path: &Path) -> String {
    let fence = Fence::new("ffmpeg").args(["-v", "error", "-i"]).path(path);
    let fence = fence.args([
        "-map",
        "0:v:0",
        "-c",
        "copy",
        "-bsf:v",
        "h264_mp4toannexb",
        "-f",
        "md5",
        "pipe:1",
    ]);
    fence.run(&bench.cancel).await.unwrap().text()
}

#[tokio::test]
async fn right_codecs_are_put_into_the_right_container_and_wrong_ones_encoded() {
    let bench = Bench::new();
    let mkv = [&PICTURE[..], &SOUND, &H264, &["-c:a", "ac3"]].concat();
    let mkv = make(&bench, "camera.mkv", &mkv).await;
    let before = std::fs::read(&mkv).unwrap();
    let (copy, out) = convert(&bench, &mkv).await.unwrap();
    assert!(copy.plays_in_browser());
    assert_eq!(copy.audio.unwrap().codec, "aac");
    assert_eq!(
        packets(&bench, &out).await,
        packets(&bench, &mkv).await,
        "not encoded anew"
    );
    assert_eq!(std::fs::read(&mkv).unwrap(), before);

    let hevc = [
        &PICTURE[..],
        &SOUND,
        &[
            "-c:v",
            "libx265",
            "-x265-params",
            "log-level=error",
            "-c:a",
            "aac",
        ],
    ]
    .concat();
    let hevc = make(&bench, "phone.mp4", &hevc).await;
    assert!(!probe(&bench, &hevc).await.plays_in_browser());
    let (copy, _) = convert(&bench, &hevc).await.unwrap();
    assert_eq!(copy.video.as_ref().unwrap().codec, "h264");
    assert!(copy.plays_in_browser());

    let lossless = [&SOUND[..], &["-c:a", "alac"]].concat();
    let lossless = make(&bench, "lossless.mp4", &lossless).await;
    assert!(!probe(&bench, &lossless).await.plays_in_browser());
    let (copy, _) = convert(&bench, &lossless).await.unwrap();
    assert_eq!(
        (copy.video, copy.audio.unwrap().codec.as_str()),
        (None, "aac")
    );
}

#[tokio::test]
async fn half_a_video_makes_no_copy_and_what_a_killed_run_left_goes() {
    let bench = Bench::new();
    let whole = [&PICTURE[..], &H264, &["-movflags", "+faststart"]].concat();
    let whole = make(&bench, "whole.mov", &whole).await;
    let bytes = std::fs::read(&whole).unwrap();
    let cut = bench.file("cut.mov", &bytes[..bytes.len() / 3]);
    bench.file(".converted-copy-x.mp4", b"half");
    bench.file(".converted-other-x.mp4", b"of another run");
    assert_eq!(code(convert(&bench, &cut).await), "conversion_incomplete");
    let exists = |name: &str| bench.dir.path().join(name).exists();
    assert!(!exists("copy.mp4") && !exists(".converted-copy-x.mp4"));
    assert!(exists(".converted-other-x.mp4"));
}

#[tokio::test]
async fn a_sheet_has_a_picture_for_each_second() {
    let bench = Bench::new();
    // Black for two seconds, then white.
    let turn =
        "color=black:size=320x180:rate=10:duration=4,drawbox=color=white:t=fill:enable='gte(t,2)'";
    let turn = make(
        &bench,
        "turn.mp4",
        &[&["-f", "lavfi", "-i", turn][..], &H264].concat(),
    )
    .await;
    let info = probe(&bench, &turn).await;
    let out = bench.dir.path().join("sheet.jpg");
    let board = bench
        .tools
        .storyboard(&turn, &info, &out, &bench.cancel)
        .await
        .unwrap();
    assert_eq!((board.count, board.width, board.height), (4, 160, 90));
    assert_eq!(size(&bench, &out).await, (1600, 90));
    let mut seen = Vec::new();
    for n in 0..4 {
        let crop = format!("crop=160:90:{}:0", n * 160);
        let tile = make(
            &bench,
            "tile.png",
            &["-i", out.to_str().unwrap(), "-vf", &crop],
        )
        .await;
        seen.push(brightness(&bench, &tile).await > 128);
    }
    assert_eq!(seen, [false, false, true, true]);
    let mut endless = info;
    endless.duration_s = None;
    let refused = bench
        .tools
        .storyboard(&turn, &endless, &out, &bench.cancel)
        .await;
    assert_eq!(code(refused), "no_length");
}

#[tokio::test]
async fn subtitles_in_a_video_are_read_with_their_language() {
    let bench = Bench::new();
    let srt = "1\n00:00:00,500 --> 00:00:01,500\n<i>안녕</i> & hello\n\n2\n00:00:02,000 --> 00:00:03,000\nBye\n";
    let srt = bench.file("words.srt", srt.as_bytes());
    let srt = srt.to_str().unwrap();
    for (name, codec) in [
        ("words.mp4", "mov_text"),
        ("words.mkv", "ass"),
        ("words2.mkv", "srt"),
    ] {
        let args = [
            &PICTURE[..],
            &["-i", srt],
            &H264,
            &["-c:s", codec, "-metadata:s:s:0", "language=kor"],
        ]
        .concat();
        let video = make(&bench, name, &args).await;
        let info = probe(&bench, &video).await;
        assert_eq!(info.subtitles.len(), 1, "{name}");
        let track = bench
            .tools
            .subtitle_stream(&video, &info.subtitles[0], &bench.cancel)
            .await
            .unwrap();
        assert_eq!(track.language.as_deref(), Some("kor"), "{name}");
        let lines: Vec<_> = track
            .cues
            .iter()
            .map(|cue| (cue.start_s, cue.end_s, cue.text.as_str()))
            .collect();
        assert_eq!(
            lines,
            [(0.5, 1.5, "안녕 & hello"), (2.0, 3.0, "Bye")],
            "{name}"
        );
        assert!(web_vtt(&track.cues).contains("안녕 &amp; hello"));
    }
}

#[tokio::test]
async fn a_file_of_subtitles_is_bounded() {
    let bench = Bench::new();
    let huge = bench.dir.path().join("huge.srt");
    std::fs::File::create(&huge)
        .unwrap()
        .set_len(17_000_000)
        .unwrap();
    let format = SubtitleFormat::of_extension("SRT").unwrap();
    assert_eq!(
        code(bench.tools.subtitle_file(&huge, format).await),
        "too_large"
    );
    assert_eq!(SubtitleFormat::of_extension("txt"), None);
}
