//! thumbnail: one frame at half of a video's duration. A leaf.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};
use tools::MediaInfo;

use crate::context::{StageContext, patch, spec, tool_error};
use crate::subtitles;

const SPEC: StageSpec = StageSpec {
    at_ingest: true,
    ..spec("thumbnail", &["convert"], Lane::Cpu, 3)
};

/// Folder below the derived files.
const FOLDER: &str = "thumbnails";

pub(crate) struct Thumbnail(pub Arc<StageContext>);

#[async_trait]
impl Stage for Thumbnail {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        // Also where only a copy plays: then it says so, whichever of the two ended last.
        let plays = !document.needs_conversion || document.preview_path.is_some();
        document.category == Category::Video && plays
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let tools = &self.0.tools;
        let path = self.0.original(&job.document).await?;
        let info = tools.probe(&path, &job.cancel).await;
        let info = info.map_err(|e| tool_error(&job.item, &e))?;
        let picture = self.picture(job, &path, &info).await?;
        let size = info.moving_picture().map(tools::VideoStream::shown_size);
        let title = info.tags.title.clone();
        let found = DocumentPatch {
            // One or two letters are no title.
            title: title.filter(|title| title.trim().chars().count() > 2),
            thumbnail_path: picture,
            duration_s: info.duration_s,
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            // The name said that it plays; its codecs may say otherwise.
            needs_conversion: Some(!info.plays_in_browser() && job.document.preview_path.is_none()),
            ..DocumentPatch::default()
        };
        let mut writes = vec![patch(found)];
        writes.extend(subtitles::keep(&self.0, job, &path, &info).await?);
        Ok(writes.into())
    }
}

impl Thumbnail {
    /// The picture's path below the derived files; `None` where the file has but sound.
    async fn picture(
        &self,
        job: &Job,
        path: &Path,
        info: &MediaInfo,
    ) -> Result<Option<String>, StageError> {
        if info.video.is_none() && info.audio.is_some() {
            return Ok(None);
        }
        let name = format!("{}.jpg", job.document.id);
        let file = self.0.derived_folder(FOLDER).await?.join(&name);
        let made = self.0.tools.thumbnail(path, info, &file, &job.cancel).await;
        made.map_err(|e| tool_error(&job.item, &e))?;
        Ok(Some(format!("{FOLDER}/{name}")))
    }
}

#[cfg(test)]
mod tests {
    use model::Write;
    use tools::{Fence, ToolLimits};

    use super::*;
    use crate::testing::{Bench, fixture, job};

    async fn found(bench: &Bench, path: &Path) -> DocumentPatch {
        let stage = Thumbnail(Arc::clone(&bench.context));
        let outcome = stage.run(&job("thumbnail", path)).await.unwrap();
        let [Write::Patch(found)] = outcome.writes.as_slice() else {
            panic!("{outcome:?}");
        };
        (**found).clone()
    }

    #[tokio::test]
    async fn the_codecs_of_an_mp4_tell_whether_it_plays() {
        let bench = Bench::new().await;
        let plain = found(&bench, &fixture("video/clip.mp4")).await;
        assert_eq!(plain.needs_conversion, Some(false));
        let phone = bench.dir.path().join("phone.mp4");
        Fence::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .path(&fixture("video/clip.mp4"))
            .args(["-c:v", "libx265", "-x265-params", "log-level=error"])
            .path(&phone)
            .limits(ToolLimits::default().convert.limits(0.0))
            .run(&tokio_util::sync::CancellationToken::new())
            .await
            .unwrap();
        let phone = found(&bench, &phone).await;
        assert_eq!(phone.needs_conversion, Some(true));
        assert_eq!(phone.thumbnail_path.as_deref(), Some("thumbnails/d.jpg"));
    }

    #[tokio::test]
    async fn a_copy_that_plays_is_enough() {
        let bench = Bench::new().await;
        let stage = Thumbnail(Arc::clone(&bench.context));
        let mut job = job("thumbnail", &fixture("video/clip.avi"));
        job.document.needs_conversion = true;
        assert!(!stage.wants(&job.document));
        job.document.preview_path = Some("converted/d.mp4".into());
        assert!(stage.wants(&job.document));
        let outcome = stage.run(&job).await.unwrap();
        let Write::Patch(found) = &outcome.writes[0] else {
            panic!("{outcome:?}");
        };
        assert_eq!(found.needs_conversion, Some(false));
    }

    #[tokio::test]
    async fn sound_alone_has_a_length_and_no_picture() {
        let bench = Bench::new().await;
        let found = found(&bench, &fixture("audio/회의 녹음.m4a")).await;
        assert_eq!((found.thumbnail_path, found.width), (None, None));
        assert!(found.duration_s.unwrap() > 4.0);
    }
}
