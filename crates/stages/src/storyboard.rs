//! storyboard: a sheet of small pictures for a video's seek bar. Asked for when somebody first watches it: most videos of an
//! archive are never opened, and a sheet reads a video from end to end.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, cannot_write, spec, tool_error};

const SPEC: StageSpec = spec("storyboard", &[], Lane::Cpu, 1);

/// Folder below the derived files.
const FOLDER: &str = "storyboards";

/// The sheet's address as seen from the track's.
const SHEET: &str = "storyboard.jpg";

pub(crate) struct MakeStoryboard(pub Arc<StageContext>);

#[async_trait]
impl Stage for MakeStoryboard {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        document.category == Category::Video && !document.needs_conversion
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let tools = &self.0.tools;
        let path = self.0.original(&job.document).await?;
        let info = tools.probe(&path, &job.cancel).await;
        let info = info.map_err(|e| tool_error(&job.item, &e))?;
        let folder = self.0.derived_folder(FOLDER).await?;
        // By its content: of a file that changes the old pictures are never shown.
        let sheet = folder.join(format!("{}.jpg", job.document.content_hash));
        let board = tools.storyboard(&path, &info, &sheet, &job.cancel).await;
        let board = board.map_err(|e| tool_error(&job.item, &e))?;
        // The track goes last: it is what the player looks for.
        let track = folder.join(format!("{}.vtt", job.document.content_hash));
        tokio::fs::write(&track, board.track(SHEET))
            .await
            .map_err(|error| cannot_write(&track, &error))?;
        Ok(Outcome::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, fixture, job};

    #[tokio::test]
    async fn sheet_and_track_lie_side_by_side() {
        let bench = Bench::new().await;
        let stage = MakeStoryboard(Arc::clone(&bench.context));
        let outcome = stage
            .run(&job("storyboard", &fixture("video/clip.mp4")))
            .await;
        assert_eq!(outcome, Ok(Outcome::default()));
        let folder = bench.dir.path().join("derived/storyboards");
        let track = std::fs::read_to_string(folder.join("hash.vtt")).unwrap();
        assert_eq!(track.matches("storyboard.jpg#xywh=").count(), 4, "{track}");
        assert!(
            std::fs::read(folder.join("hash.jpg"))
                .unwrap()
                .starts_with(&[0xFF, 0xD8])
        );
    }
}
