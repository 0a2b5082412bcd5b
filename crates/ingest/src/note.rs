//! Notes: documents without a file, their text in the store.

use model::{Category, Document, DocumentId, DocumentPatch, Source, Timestamp, Write};
use store::{DocumentEdit, Tx};

use crate::config::MAX_NOTE_BYTES;
use crate::take_in::once_more;
use crate::{Ingest, IngestError};
use model::Priority;

/// Longest title made of a note's first line, in characters.
const TITLE_MAX_CHARS: usize = 120;

/// Title of a note whose text gives none.
const UNTITLED: &str = "Untitled";

impl Ingest {
    /// Stores a note. Without a title its first line becomes that.
    ///
    /// # Errors
    /// `empty_file` for neither title nor text, `too_large` above [`MAX_NOTE_BYTES`].
    pub async fn add_note(&self, title: Option<&str>, text: &str) -> Result<Document, IngestError> {
        let title = given(title);
        let text = checked(title.as_deref(), text)?;
        let titled = title.is_some();
        let note = Document {
            category: Category::Note,
            file_type: "note".to_owned(),
            mime: "text/markdown".to_owned(),
            content_hash: hash(&text),
            size: i64::try_from(text.len()).unwrap_or(i64::MAX),
            user_fields: titled.then(|| "title".to_owned()).into_iter().collect(),
            ..self.blank_document(title.unwrap_or_else(|| first_line(&text)), Source::Note)
        };
        let mut tries = 1;
        while let Err(error) = self.try_add_note(&note, &text).await {
            tries = once_more(tries, error)?;
        }
        Ok(note)
    }

    async fn try_add_note(&self, note: &Document, text: &str) -> Result<(), IngestError> {
        let mut tx = self.shared.store.write().await?;
        tx.insert_document(note, Some(text)).await?;
        self.enqueue_first(&mut tx, note, Priority::Person).await?;
        Ok(tx.commit().await?)
    }

    /// Replaces a note's text, and its title where one is given; a title that was made of the first line follows it. The
    /// stages run again.
    ///
    /// # Errors
    /// `not_found` where there is no such note; as [`Ingest::add_note`] otherwise.
    pub async fn edit_note(
        &self,
        id: &DocumentId,
        title: Option<&str>,
        text: &str,
    ) -> Result<Document, IngestError> {
        let title = given(title);
        let text = checked(title.as_deref(), text)?;
        let mut tries = 1;
        loop {
            match self.try_edit_note(id, title.clone(), &text).await {
                Err(error) => tries = once_more(tries, error)?,
                note => return note,
            }
        }
    }

    async fn try_edit_note(
        &self,
        id: &DocumentId,
        title: Option<String>,
        text: &str,
    ) -> Result<Document, IngestError> {
        let now = self.now();
        let mut tx = self.shared.store.write().await?;
        if !tx.set_note_text(id, text, &hash(text), now).await? {
            return Err(IngestError::NotFound(format!("A note {id}")));
        }
        set_title(&mut tx, id, title, text, now).await?;
        let Some(note) = tx.document(id).await? else {
            return Err(IngestError::NotFound(format!("A note {id}")));
        };
        self.enqueue_first(&mut tx, &note, Priority::Person).await?;
        tx.commit().await?;
        Ok(note)
    }
}

async fn set_title(
    tx: &mut Tx,
    id: &DocumentId,
    title: Option<String>,
    text: &str,
    now: Timestamp,
) -> Result<(), IngestError> {
    let patch = |title: String| DocumentPatch {
        title: Some(title),
        ..DocumentPatch::default()
    };
    match title {
        Some(title) => {
            let edit = DocumentEdit {
                patch: patch(title),
                tags: None,
            };
            tx.edit_document(id, &edit, now).await?;
        }
        // Leaves a title alone that the person has set.
        None => {
            tx.apply_writes(id, &[Write::Patch(Box::new(patch(first_line(text))))], now)
                .await?
        }
    }
    Ok(())
}

/// A title that says something, in NFC.
pub(crate) fn given(title: Option<&str>) -> Option<String> {
    let title = title?.trim();
    (!title.is_empty()).then(|| model::name::nfc(title))
}

/// The text as it is stored (no database keeps NUL), if there is anything to store and not too much.
fn checked(title: Option<&str>, text: &str) -> Result<String, IngestError> {
    let text = text.replace('\0', "");
    if text.trim().is_empty() && title.is_none() {
        return Err(IngestError::EmptyFile("The note".to_owned()));
    }
    if text.len() > MAX_NOTE_BYTES {
        return Err(IngestError::TooLarge {
            what: "The note".to_owned(),
            limit: MAX_NOTE_BYTES as u64,
            next: "split it, or upload it as a .md file",
        });
    }
    Ok(text)
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The first line that says something, without the marks of a heading or a list.
fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| {
            line.trim()
                .trim_start_matches(['#', '-', '*', '>', '+', ' ', '\t'])
                .trim()
        })
        .find(|line| line.chars().any(char::is_alphanumeric))
        .unwrap_or(UNTITLED);
    line.chars().take(TITLE_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_the_title() {
        assert_eq!(first_line("\n---\n# 장보기 목록\n우유"), "장보기 목록");
        assert_eq!(first_line("***"), UNTITLED);
        assert_eq!(
            first_line(&"가".repeat(500)).chars().count(),
            TITLE_MAX_CHARS
        );
    }
}
