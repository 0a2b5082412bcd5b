//! Who lies where: the path a file is stored under, and what becomes of a document that loses its path.

use std::path::Path;

use model::{Document, DocumentId, Timestamp};
use store::{KnownFile, StoreError, Tx};

use crate::names::DiskPath;
use crate::resolve::is_absent;
use crate::take_in::once_more;
use crate::{Ingest, IngestError};

/// Where a missing document's path is put when its place is taken by another: no file can lie there, as hidden folders are
/// never looked into.
const DISPLACED: &str = ".displaced";

impl Ingest {
    /// The path the file is stored under: NFC, unless a file that lies beside it and differs in nothing but its normal form
    /// has that. The choice lasts as long as the file is known.
    pub(crate) async fn stored_path(
        &self,
        tx: &mut Tx,
        disk: &DiskPath,
    ) -> Result<String, IngestError> {
        let candidates = disk.stored_candidates();
        let mut free = None;
        for candidate in &candidates {
            match tx.file(candidate).await? {
                Some(known) if DiskPath::of_known(&known) == *disk => return Ok(candidate.clone()),
                Some(known) if self.lie_apart(&DiskPath::of_known(&known), disk) => {}
                _ => free = free.or(Some(candidate)),
            }
        }
        Ok(free
            .or(candidates.last())
            .cloned()
            .unwrap_or_else(|| disk.stored()))
    }

    /// Whether both exist and are two files. (On macOS both spellings open the same one.)
    fn lie_apart(&self, a: &DiskPath, b: &DiskPath) -> bool {
        let id = |disk: &DiskPath| file_id(&disk.on(self.library()));
        matches!((id(a), id(b)), (Some(a), Some(b)) if a != b)
    }

    /// Whether there certainly is no file at that path.
    pub(crate) fn is_gone(&self, disk: &DiskPath) -> bool {
        matches!(std::fs::symlink_metadata(disk.on(self.library())), Err(error) if is_absent(&error))
    }

    /// The file of that row is gone: its document lives on in a copy, or is missing. Does nothing where the row is out of
    /// date. Returns whether the row was there.
    pub(crate) async fn forget(&self, known: &KnownFile) -> Result<bool, IngestError> {
        let mut tries = 1;
        loop {
            match self.try_forget(known).await {
                Err(error) => tries = once_more(tries, error)?,
                forgotten => return forgotten,
            }
        }
    }

    async fn try_forget(&self, known: &KnownFile) -> Result<bool, IngestError> {
        let mut tx = self.shared.store.write().await?;
        if tx.file(&known.path).await?.as_ref() != Some(known) {
            return Ok(false);
        }
        tx.remove_file(&known.path).await?;
        let document = tx.document(&known.document_id).await?;
        if let Some(document) = document.filter(|d| d.path.as_ref() == Some(&known.path)) {
            let now = self.now();
            if !move_to_copy(&mut tx, &document, now).await? && document.missing_since.is_none() {
                tx.set_missing(&document.id, Some(now), now).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Takes the path from any other document that still has it.
pub(crate) async fn give_path(
    tx: &mut Tx,
    path: &str,
    to: &DocumentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(loser) = tx
        .document_at(path)
        .await?
        .filter(|document| document.id != *to)
    else {
        return Ok(());
    };
    if !move_to_copy(tx, &loser, now).await? {
        let aside = format!("{DISPLACED}/{}/{path}", loser.id);
        tx.set_path(&loser.id, &aside, None, now).await?;
        tx.set_missing(&loser.id, Some(loser.missing_since.unwrap_or(now)), now)
            .await?;
    }
    Ok(())
}

/// Makes a copy at another path the document's original; `false` where there is none.
async fn move_to_copy(
    tx: &mut Tx,
    document: &Document,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let copies = tx.files_of(&document.id).await?;
    let copy = copies.into_iter().find(|copy| {
        Some(&copy.path) != document.path.as_ref() && copy.content_hash == document.content_hash
    });
    let Some(copy) = copy else {
        return Ok(false);
    };
    tx.set_path(&document.id, &copy.path, copy.path_raw, now)
        .await?;
    Ok(true)
}

/// Device and number of the file: equal for two names of one file.
pub(crate) fn file_id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
