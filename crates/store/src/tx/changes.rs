//! The change log that the search index tails.

use model::DocumentId;

use super::Tx;
use crate::StoreError;
use crate::value::{Value, args};

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

    /// Numbers the changes of this transaction. Last before the commit: from here on other transactions that change a document
    /// wait, so that no reader ever sees a number before all smaller ones are there.
    pub(super) async fn log_changes(&mut self) -> Result<(), StoreError> {
        let changed: Vec<_> = std::mem::take(&mut self.changed).into_iter().collect();
        let Ok(count @ 1..) = i64::try_from(changed.len()) else {
            return Ok(());
        };
        let row = self
            .fetch_optional(
                "UPDATE change_counter SET seq = seq + $1 WHERE id = 1 RETURNING seq",
                args![count],
            )
            .await?;
        let Some(mut row) = row else {
            return Err(StoreError::Unreadable("the change counter is gone".into()));
        };
        let latest = row.int()?;
        // Only the latest change of a document matters, so the log stays as long as the list of documents.
        let sql = format!(
            "DELETE FROM changes WHERE document_id {}",
            self.words.any("$1")
        );
        self.execute(sql, vec![Value::Texts(changed.clone())])
            .await?;
        let numbered = changed.iter().zip(latest - count + 1..);
        let entries = numbered.map(|(id, seq)| format!("{seq:019}{id}")).collect();
        let sql = format!(
            "INSERT INTO changes (seq, document_id) \
             SELECT CAST(substr(r.value, 1, 19) AS BIGINT), substr(r.value, 20) FROM {}",
            self.words.each("$1")
        );
        self.execute(sql, vec![Value::Texts(entries)]).await?;
        Ok(())
    }
}
