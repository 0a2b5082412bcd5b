//! Transcript lines and passages.

use model::{Chunk, DocumentId, Segment};

use super::Tx;
use crate::StoreError;
use crate::value::args;

impl Tx {
    /// The transcript, in the order of `start_s`.
    pub async fn segments(&mut self, id: &DocumentId) -> Result<Vec<Segment>, StoreError> {
        let rows = self
            .fetch(
                "SELECT start_s, end_s, text, words, confidence FROM audio_segments WHERE document_id = $1 \
                 ORDER BY start_s, seq",
                args![id],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Segment {
                    start_s: row.real()?,
                    end_s: row.real()?,
                    text: row.text()?,
                    // A broken JSON costs the words their times, not the reader the transcript.
                    words: row
                        .opt_text()?
                        .and_then(|json| serde_json::from_str(&json).ok()),
                    confidence: row.opt_real()?,
                })
            })
            .collect()
    }

    /// The passages, in the order of the text.
    pub async fn chunks(&mut self, id: &DocumentId) -> Result<Vec<Chunk>, StoreError> {
        let rows = self
            .fetch(
                "SELECT text, page, start_s, char_start, char_end FROM chunks WHERE document_id = $1 ORDER BY seq",
                args![id],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Chunk {
                    text: row.text()?,
                    page: row.opt_int()?,
                    start_s: row.opt_real()?,
                    char_start: row.int()?,
                    char_end: row.int()?,
                })
            })
            .collect()
    }

    pub(super) async fn replace_segments(
        &mut self,
        id: &DocumentId,
        segments: &[Segment],
    ) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM audio_segments WHERE document_id = $1",
            args![id],
        )
        .await?;
        for (seq, segment) in (0_i64..).zip(segments) {
            self.execute(
                "INSERT INTO audio_segments (document_id, seq, start_s, end_s, text, words, confidence) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                args![
                    id,
                    seq,
                    segment.start_s,
                    segment.end_s,
                    segment.text.replace('\0', ""),
                    segment.words.as_ref().map(ToString::to_string),
                    segment.confidence,
                ],
            )
            .await?;
        }
        Ok(())
    }

    pub(super) async fn replace_chunks(
        &mut self,
        id: &DocumentId,
        chunks: &[Chunk],
    ) -> Result<(), StoreError> {
        self.execute("DELETE FROM chunks WHERE document_id = $1", args![id])
            .await?;
        for (seq, chunk) in (0_i64..).zip(chunks) {
            self.execute(
                "INSERT INTO chunks (document_id, seq, text, page, start_s, char_start, char_end) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                args![
                    id,
                    seq,
                    chunk.text.replace('\0', ""),
                    chunk.page,
                    chunk.start_s,
                    chunk.char_start,
                    chunk.char_end,
                ],
            )
            .await?;
        }
        Ok(())
    }
}
