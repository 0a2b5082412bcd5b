//! The subtitles of a video, out of the file or from beside it: kept for the player, and as lines with seconds for search.
//! They are a help: what cannot be read of them is left out and logged.

use std::path::{Path, PathBuf};

use model::{DocumentPatch, Segment, Write};
use queue::{Job, StageError};
use tools::{MediaInfo, SubtitleFormat, SubtitleTrack, web_vtt};

use crate::context::{StageContext, cannot_write, patch, store_error};

/// Folder below the derived files; in it one for each video, by its content.
const FOLDER: &str = "subtitles";

/// Says which tracks there are; written last.
const LIST: &str = "tracks.json";

/// Tracks of one video at most; discs have some thirty.
const MOST_TRACKS: usize = 64;

/// Keeps the video's subtitles, and gives what makes them searchable where it has no lines yet: a transcript is never replaced.
pub(crate) async fn keep(
    context: &StageContext,
    job: &Job,
    path: &Path,
    info: &MediaInfo,
) -> Result<Vec<Write>, StageError> {
    let mut tracks = beside(context, path).await;
    tracks.extend(inside(context, job, path, info).await);
    tracks.truncate(MOST_TRACKS);
    store(context, job, &tracks).await?;
    if tracks.is_empty() || has_lines(context, job).await? {
        return Ok(Vec::new());
    }
    let languages = &context.languages;
    let spoken = tracks.iter().min_by_key(|track| rank(track, languages));
    Ok(spoken.map(searchable).unwrap_or_default())
}

/// The tracks of the file's own.
async fn inside(
    context: &StageContext,
    job: &Job,
    path: &Path,
    info: &MediaInfo,
) -> Vec<SubtitleTrack> {
    let mut tracks = Vec::new();
    for stream in info.subtitles.iter().take(MOST_TRACKS) {
        match context
            .tools
            .subtitle_stream(path, stream, &job.cancel)
            .await
        {
            Ok(track) if !track.cues.is_empty() => tracks.push(track),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(document = %job.document.id, stream = stream.index, %error, "subtitles cannot be read");
            }
        }
    }
    tracks
}

/// The tracks of files beside it: `film.srt`, `film.ko.smi`.
async fn beside(context: &StageContext, path: &Path) -> Vec<SubtitleTrack> {
    let video = path.to_owned();
    let files = tokio::task::spawn_blocking(move || files_beside(&video)).await;
    let mut tracks = Vec::new();
    for (file, format, language) in files.unwrap_or_default() {
        match context.tools.subtitle_file(&file, format).await {
            Ok(found) => tracks.extend(found.into_iter().map(|track| SubtitleTrack {
                language: track.language.or_else(|| language.clone()),
                ..track
            })),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "subtitles cannot be read")
            }
        }
    }
    tracks
}

/// Files of subtitles with the video's name, in the order of their names, with the language that the name tells.
fn files_beside(video: &Path) -> Vec<(PathBuf, SubtitleFormat, Option<String>)> {
    let (Some(folder), Some(stem)) = (video.parent(), video.file_stem()) else {
        return Vec::new();
    };
    let stem = model::name::nfc(&stem.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        // A link could lead out of the library.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            let name = model::name::nfc(&entry.file_name().to_string_lossy());
            let (rest, extension) = name.strip_prefix(&stem)?.rsplit_once('.')?;
            let format = SubtitleFormat::of_extension(extension)?;
            let language = rest.strip_prefix('.').map(str::to_lowercase);
            let fits = rest.is_empty() || language.as_deref().is_some_and(is_language);
            fits.then_some((entry.path(), format, language))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// `ko`, `kor`, `pt-br`.
fn is_language(word: &str) -> bool {
    let main = word.split('-').next().unwrap_or(word);
    (2..=3).contains(&main.len())
        && word.len() <= 8
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// Writes the tracks, each as WebVTT, and the list of them.
async fn store(
    context: &StageContext,
    job: &Job,
    tracks: &[SubtitleTrack],
) -> Result<(), StageError> {
    let name = format!("{FOLDER}/{}", job.document.content_hash);
    let known = tokio::fs::try_exists(context.derived.join(&name)).await;
    if tracks.is_empty() && !known.unwrap_or(false) {
        return Ok(());
    }
    let folder = context.derived_folder(&name).await?;
    for (n, track) in tracks.iter().enumerate() {
        write(&folder.join(format!("{n}.vtt")), web_vtt(&track.cues)).await?;
    }
    let list = serde_json::to_string(tracks).map_err(|e| StageError::fail("json", e))?;
    write(&folder.join(LIST), list).await
}

async fn write(path: &Path, text: String) -> Result<(), StageError> {
    let written = tokio::fs::write(path, text).await;
    written.map_err(|error| cannot_write(path, &error))
}

async fn has_lines(context: &StageContext, job: &Job) -> Result<bool, StageError> {
    let mut tx = context.store.read().await.map_err(|e| store_error(&e))?;
    let lines = tx.segments(&job.document.id).await;
    Ok(!lines.map_err(|e| store_error(&e))?.is_empty())
}

/// The place of the track's language among those of the archive; what tells none comes next, others last.
fn rank(track: &SubtitleTrack, languages: &[String]) -> usize {
    let Some(language) = &track.language else {
        return languages.len();
    };
    let place = languages
        .iter()
        .position(|known| language.starts_with(known.as_str()));
    place.unwrap_or(languages.len() + 1)
}

/// Lines, text and passages.
fn searchable(track: &SubtitleTrack) -> Vec<Write> {
    let segments: Vec<_> = track
        .cues
        .iter()
        .map(|cue| Segment {
            start_s: cue.start_s,
            end_s: cue.end_s,
            text: cue.text.replace('\n', " "),
            words: None,
            confidence: None,
        })
        .collect();
    let lines: Vec<_> = segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect();
    let text = lines.join("\n");
    let passages = search::passages(&text, &segments);
    vec![
        patch(DocumentPatch {
            extracted_text: Some(text),
            ..DocumentPatch::default()
        }),
        Write::Segments(segments),
        Write::Chunks(passages),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, fixture, job};

    #[test]
    fn a_name_beside_may_tell_the_language_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "film.mp4",
            "film.srt",
            "film.ko.smi",
            "film2.srt",
            "film.part two.srt",
            "film.txt",
        ] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("film.en.srt")).unwrap();
        let found = files_beside(&folder.path().join("film.mp4"));
        let names: Vec<_> = found
            .iter()
            .map(|(path, _, language)| {
                (
                    path.file_name().unwrap().to_str().unwrap(),
                    language.as_deref(),
                )
            })
            .collect();
        assert_eq!(names, [("film.ko.smi", Some("ko")), ("film.srt", None)]);
    }

    #[tokio::test]
    async fn the_archives_first_language_is_searched_and_all_are_kept() {
        let bench = Bench::new().await;
        let video = bench.dir.path().join("film.mp4");
        std::fs::copy(fixture("video/clip.mp4"), &video).unwrap();
        let cue = "1\n00:00:01,000 --> 00:00:02,000\n";
        std::fs::write(
            bench.dir.path().join("film.en.srt"),
            format!("{cue}Library"),
        )
        .unwrap();
        std::fs::write(
            bench.dir.path().join("film.ko.srt"),
            format!("{cue}서고\n둘째"),
        )
        .unwrap();
        let job = job("thumbnail", &video);
        let info = bench
            .context
            .tools
            .probe(&video, &job.cancel)
            .await
            .unwrap();
        let writes = keep(&bench.context, &job, &video, &info).await.unwrap();
        let Write::Segments(lines) = &writes[1] else {
            panic!("{writes:?}");
        };
        assert_eq!(
            (lines[0].text.as_str(), lines[0].start_s),
            ("서고 둘째", 1.0)
        );
        let Write::Chunks(passages) = &writes[2] else {
            panic!("{writes:?}");
        };
        assert_eq!(passages[0].start_s, Some(1.0));
        let folder = bench.dir.path().join("derived/subtitles/hash");
        let list = std::fs::read_to_string(folder.join(LIST)).unwrap();
        assert_eq!(
            list,
            r#"[{"language":"en","title":null},{"language":"ko","title":null}]"#
        );
        assert!(
            std::fs::read_to_string(folder.join("1.vtt"))
                .unwrap()
                .contains("서고")
        );
    }
}
