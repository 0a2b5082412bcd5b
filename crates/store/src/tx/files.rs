//! Files seen below the watched folders.

use model::{DocumentId, Timestamp};

use super::Tx;
use crate::StoreError;
use crate::value::{Row, args};

const COLUMNS: &str = "path, path_raw, size, modified_at, content_hash, document_id";

/// A file as it was when it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Relative to the library root, NFC.
    pub path: String,
    /// The bytes on disk, where they differ from `path`.
    pub path_raw: Option<Vec<u8>>,
    /// Bytes.
    pub size: i64,
    /// Last change as the file system told it.
    pub modified_at: Timestamp,
    /// BLAKE3, hex.
    pub content_hash: String,
    /// The document it is the original, or another copy, of.
    pub document_id: DocumentId,
}

fn read_file(mut row: Row) -> Result<KnownFile, StoreError> {
    Ok(KnownFile {
        path: row.text()?,
        path_raw: row.opt_blob()?,
        size: row.int()?,
        modified_at: row.time()?,
        content_hash: row.text()?,
        document_id: DocumentId(row.text()?),
    })
}

impl Tx {
    /// The file at that path.
    pub async fn file(&mut self, path: &str) -> Result<Option<KnownFile>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM files WHERE path = $1");
        let row = self.fetch_optional(sql, args![path]).await?;
        row.map(read_file).transpose()
    }

    /// Every file that is a copy of the document, by path.
    pub async fn files_of(&mut self, id: &DocumentId) -> Result<Vec<KnownFile>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM files WHERE document_id = $1 ORDER BY path");
        let rows = self.fetch(sql, args![id]).await?;
        rows.into_iter().map(read_file).collect()
    }

    /// Files whose path starts with `prefix` (such as `Inbox/`), by path, after `after`, at most `limit`.
    pub async fn files_below(
        &mut self,
        prefix: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<KnownFile>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM files WHERE substr(path, 1, CAST($1 AS INTEGER)) = $2 AND path > $3 ORDER BY path LIMIT $4"
        );
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        let rows = self.fetch(sql, args![length, prefix, after, limit]).await?;
        rows.into_iter().map(read_file).collect()
    }

    /// Remembers a file, or what it is now.
    pub async fn put_file(&mut self, file: &KnownFile) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO files ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (path) DO UPDATE SET \
             path_raw = excluded.path_raw, size = excluded.size, modified_at = excluded.modified_at, \
             content_hash = excluded.content_hash, document_id = excluded.document_id"
        );
        self.execute(
            sql,
            args![
                &file.path,
                file.path_raw.clone(),
                file.size,
                file.modified_at,
                &file.content_hash,
                &file.document_id,
            ],
        )
        .await?;
        Ok(())
    }

    /// Forgets a file that is gone.
    pub async fn remove_file(&mut self, path: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM files WHERE path = $1", args![path])
            .await?;
        Ok(())
    }
}
