//! Forgets what ended long ago.

use model::Timestamp;

use super::Tx;
use crate::StoreError;
use crate::value::args;

impl Tx {
    pub(crate) async fn analyze(&mut self) -> Result<(), StoreError> {
        self.execute("ANALYZE", args![]).await?;
        Ok(())
    }

    /// Forgets runs that ended before `before` where a newer row of the same document and stage exists.
    pub async fn prune_history(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(
            "DELETE FROM processing_queue WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at < $1 \
             AND EXISTS (SELECT 1 FROM processing_queue n WHERE n.document_id = processing_queue.document_id \
                 AND n.stage = processing_queue.stage AND n.id > processing_queue.id)",
            args![before],
        )
        .await
    }
}
