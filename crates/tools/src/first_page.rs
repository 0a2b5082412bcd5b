//! A picture of a PDF's first page, for grids.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::media::megabytes;
use crate::thumbnail::Temporary;
use crate::{ToolError, Toolbox};

/// Longest side of the picture, in pixels.
const LONGEST_SIDE: &str = "640";

impl Toolbox {
    /// Draws the first page of a PDF as a JPEG into `out`; it appears there whole or not at all.
    ///
    /// # Errors
    /// `empty`; `damaged` where the page cannot be drawn.
    pub async fn pdf_first_page(
        &self,
        path: &Path,
        out: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        let size = megabytes(path).await?;
        let folder = self.scratch_folder("page-")?;
        let root = folder.path().join("page");
        self.fence("pdftoppm", self.limits().render_page, size)
            .args(["-f", "1", "-l", "1", "-scale-to", LONGEST_SIDE])
            .args(["-jpeg", "-singlefile"])
            .path(path)
            .path(&root)
            .run(cancel)
            .await?;
        let drawn = root.with_extension("jpg");
        let bytes = tokio::fs::read(&drawn).await.map_err(|_| {
            ToolError::bad_input("damaged", "The first page of this PDF cannot be drawn.")
        })?;
        // The scratch folder may be on another disk, so the picture is copied beside its place and renamed there.
        let aside = Temporary::beside(out, ".page-", ".jpg")?;
        tokio::fs::write(aside.path(), bytes)
            .await
            .map_err(ToolError::io("cannot write", aside.path()))?;
        aside.become_file(out).await
    }
}
