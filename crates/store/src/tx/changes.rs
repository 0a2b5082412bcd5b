//! The change log that the search index tails.

use model::DocumentId;

use super::Tx;
use crate::StoreError;
use crate::value::args;

/// A document the search index has to look at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Number of the change; later changes have higher numbers.
    pub seq: i64,
    /// The document; gone from `documents` when it was removed.
    pub document_id: DocumentId,
}

impl Tx {
    /// The changes after `seq`, oldest first, at most `limit`. A document is listed once, at its latest change.
    pub async fn changes_after(&mut self, seq: i64, limit: i64) -> Result<Vec<Change>, StoreError> {
        let rows = self
            .fetch(
                "SELECT seq, document_id FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2",
                args![seq, limit],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Change {
                    seq: row.int()?,
                    document_id: DocumentId(row.text()?),
                })
            })
            .collect()
    }

    /// The number of the latest change.
    pub async fn latest_change(&mut self) -> Result<i64, StoreError> {
        let row = self
            .fetch_optional("SELECT seq FROM change_counter WHERE id = 1", args![])
            .await?;
        row.map_or(Ok(0), |mut row| row.int())
    }

    pub(super) async fn log_change(&mut self, id: &DocumentId) -> Result<(), StoreError> {
        let row = self
            .fetch_optional(
                "UPDATE change_counter SET seq = seq + 1 WHERE id = 1 RETURNING seq",
                args![],
            )
            .await?;
        let Some(mut row) = row else {
            return Err(StoreError::Unreadable("the change counter is gone".into()));
        };
        let seq = row.int()?;
        // Only the latest change of a document matters, so the log stays as long as the list of documents.
        self.execute("DELETE FROM changes WHERE document_id = $1", args![id])
            .await?;
        self.execute(
            "INSERT INTO changes (seq, document_id) VALUES ($1, $2)",
            args![seq, id],
        )
        .await?;
        Ok(())
    }
}
