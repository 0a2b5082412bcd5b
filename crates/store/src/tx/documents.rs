//! Documents: adding, reading, listing, changing.

use std::collections::HashMap;

use model::{Category, Document, DocumentId, DocumentPatch, Source, Timestamp, Write};

use super::{Tx, placeholders};
use crate::value::{Row, Value, args};
use crate::{Event, StoreError};

const COLUMNS: &str = "id, title, category, file_type, mime, path, path_raw, content_hash, size, modified_at, source, \
    language, document_type, summary, document_date, duration_s, width, height, page_count, needs_conversion, \
    transcript_draft, thumbnail_path, preview_path, user_fields, created_at, updated_at, missing_since, trashed_at";

/// What a list of documents shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentFilter {
    /// Any of these; empty means all.
    pub categories: Vec<Category>,
    /// Part of the title or the path, in any case.
    pub text: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// In the trash, instead of out of it.
    pub trashed: bool,
    /// Only documents with a failed stage.
    pub failed: bool,
    /// The order.
    pub sort: DocumentSort,
    /// Those after this one in the order.
    pub after: Option<DocumentId>,
    /// How many at most.
    pub limit: i64,
}

/// The order of a list of documents; ties go by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentSort {
    /// Newest first.
    #[default]
    Added,
    /// A to Z.
    Title,
    /// Latest date of the content first, those without a date last.
    Date,
}

impl DocumentSort {
    /// The expression that is compared, and the direction of it and of the id.
    fn order(self) -> (&'static str, &'static str) {
        match self {
            Self::Added => ("d.created_at", "DESC"),
            Self::Title => ("lower(d.title)", "ASC"),
            Self::Date => ("COALESCE(d.document_date, '')", "DESC"),
        }
    }
}

/// A person's change to a document; every field set here is protected from the stages from then on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentEdit {
    /// New values.
    pub patch: DocumentPatch,
    /// The whole new set of tags.
    pub tags: Option<Vec<String>>,
}

impl DocumentEdit {
    /// Names of the fields it sets, as in `user_fields`.
    fn fields(&self) -> Vec<&'static str> {
        let patch = &self.patch;
        [
            ("title", patch.title.is_some()),
            ("category", patch.category.is_some()),
            ("language", patch.language.is_some()),
            ("document_type", patch.document_type.is_some()),
            ("document_date", patch.document_date.is_some()),
            ("tags", self.tags.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect()
    }
}

fn read_document(mut row: Row) -> Result<Document, StoreError> {
    Ok(Document {
        id: DocumentId(row.text()?),
        title: row.text()?,
        category: row.parsed()?,
        file_type: row.text()?,
        mime: row.text()?,
        path: row.opt_text()?,
        path_raw: row.opt_blob()?,
        content_hash: row.text()?,
        size: row.int()?,
        modified_at: row.time()?,
        source: {
            let name = row.text()?;
            Source::from_name(&name).ok_or(StoreError::Unreadable(name))?
        },
        language: row.opt_text()?,
        document_type: row.opt_text()?,
        summary: row.opt_text()?,
        document_date: row.opt_text()?,
        duration_s: row.opt_real()?,
        width: row.opt_int()?,
        height: row.opt_int()?,
        page_count: row.opt_int()?,
        needs_conversion: row.flag()?,
        transcript_draft: row.flag()?,
        thumbnail_path: row.opt_text()?,
        preview_path: row.opt_text()?,
        user_fields: read_names(&row.text()?)?,
        tags: Vec::new(),
        created_at: row.time()?,
        updated_at: row.time()?,
        missing_since: row.opt_time()?,
        trashed_at: row.opt_time()?,
    })
}

fn read_names(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Unreadable(error.to_string()))
}

fn write_names(names: &[String]) -> String {
    serde_json::Value::from(names.to_vec()).to_string()
}

/// Text as PostgreSQL can keep it: its TEXT holds no NUL.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

impl Tx {
    /// Adds a document with its text, if that is known already (notes).
    ///
    /// # Errors
    /// [`StoreError::is_duplicate`] where its content or its path is there already.
    pub async fn insert_document(
        &mut self,
        document: &Document,
        extracted_text: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO documents ({COLUMNS}, extracted_text) VALUES ({})",
            placeholders(1, 29)
        );
        let d = document;
        self.execute(
            sql,
            args![
                &d.id,
                without_nul(&d.title),
                d.category.as_str(),
                &d.file_type,
                &d.mime,
                d.path.clone(),
                d.path_raw.clone(),
                &d.content_hash,
                d.size,
                d.modified_at,
                d.source.as_str(),
                d.language.clone(),
                d.document_type.clone(),
                d.summary.clone(),
                d.document_date.clone(),
                d.duration_s,
                d.width,
                d.height,
                d.page_count,
                d.needs_conversion,
                d.transcript_draft,
                d.thumbnail_path.clone(),
                d.preview_path.clone(),
                write_names(&d.user_fields),
                d.created_at,
                d.updated_at,
                d.missing_since,
                d.trashed_at,
                extracted_text.map(without_nul),
            ],
        )
        .await?;
        self.add_tags(&d.id, &d.tags, d.created_at).await?;
        self.document_changed(&d.id, Some(d.category)).await
    }

    /// The documents of those ids that are there.
    pub async fn documents_by_id(
        &mut self,
        ids: &[DocumentId],
    ) -> Result<HashMap<DocumentId, Document>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM documents WHERE id {}",
            self.words.any("$1")
        );
        let ids = ids.iter().map(|id| id.0.clone()).collect();
        let rows = self.fetch(sql, vec![Value::Texts(ids)]).await?;
        let documents = self.with_tags(rows).await?;
        Ok(documents.into_iter().map(|d| (d.id.clone(), d)).collect())
    }

    /// The document of that id.
    pub async fn document(&mut self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.document_where("id = $1", args![id]).await
    }

    /// The document whose original lies at that path (relative to the library, NFC).
    pub async fn document_at(&mut self, path: &str) -> Result<Option<Document>, StoreError> {
        self.document_where("path = $1", args![path]).await
    }

    /// The document with that content (BLAKE3, hex), notes aside.
    pub async fn document_with_content(
        &mut self,
        hash: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.document_where("content_hash = $1 AND category <> 'note'", args![hash])
            .await
    }

    /// The titles of those of the documents that are there.
    pub async fn document_titles(
        &mut self,
        ids: &[DocumentId],
    ) -> Result<HashMap<DocumentId, String>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "SELECT id, title FROM documents WHERE id IN ({})",
            placeholders(1, ids.len())
        );
        let ids = ids.iter().map(Value::from).collect();
        let rows = self.fetch(sql, ids).await?;
        rows.into_iter()
            .map(|mut row| Ok((DocumentId(row.text()?), row.text()?)))
            .collect()
    }

    async fn document_where(
        &mut self,
        condition: &str,
        args: Vec<Value>,
    ) -> Result<Option<Document>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE {condition}");
        let rows = self.fetch(sql, args).await?;
        Ok(self.with_tags(rows).await?.into_iter().next())
    }

    async fn with_tags(&mut self, rows: Vec<Row>) -> Result<Vec<Document>, StoreError> {
        let mut documents = rows
            .into_iter()
            .map(read_document)
            .collect::<Result<Vec<_>, _>>()?;
        if documents.is_empty() {
            return Ok(documents);
        }
        let sql = format!(
            "SELECT document_id, tag FROM document_tags WHERE document_id {} ORDER BY tag",
            self.words.any("$1")
        );
        let ids = documents.iter().map(|d| d.id.0.clone()).collect();
        let mut tags: HashMap<String, Vec<String>> = HashMap::new();
        for mut row in self.fetch(sql, vec![Value::Texts(ids)]).await? {
            tags.entry(row.text()?).or_default().push(row.text()?);
        }
        for document in &mut documents {
            document.tags = tags.remove(&document.id.0).unwrap_or_default();
        }
        Ok(documents)
    }

    /// A page of the list.
    pub async fn documents(
        &mut self,
        filter: &DocumentFilter,
    ) -> Result<Vec<Document>, StoreError> {
        let mut conditions = vec![
            if filter.trashed {
                "d.trashed_at IS NOT NULL"
            } else {
                "d.trashed_at IS NULL"
            }
            .to_owned(),
        ];
        let mut values = Vec::new();
        if !filter.categories.is_empty() {
            let marks = placeholders(1, filter.categories.len());
            conditions.push(format!("d.category IN ({marks})"));
            values.extend(filter.categories.iter().map(|c| Value::from(c.as_str())));
        }
        let next = |values: &Vec<Value>| values.len() + 1;
        if let Some(text) = &filter.text {
            let n = next(&values);
            conditions.push(format!(
                "(lower(d.title) LIKE ${n} ESCAPE '!' OR lower(COALESCE(d.path, '')) LIKE ${n} ESCAPE '!')"
            ));
            values.push(Value::from(like_pattern(text)));
        }
        if let Some(tag) = &filter.tag {
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM document_tags t WHERE t.document_id = d.id AND t.tag = ${})",
                next(&values)
            ));
            values.push(Value::from(tag));
        }
        if filter.failed {
            conditions.push(
                "EXISTS (SELECT 1 FROM processing_queue q WHERE q.document_id = d.id AND q.status = 'failed')"
                    .to_owned(),
            );
        }
        let (key, direction) = filter.sort.order();
        if let Some(after) = &filter.after {
            let n = next(&values);
            let comparison = if direction == "DESC" { "<" } else { ">" };
            let other = key.replace("d.", "a.");
            conditions.push(format!(
                "({key}, d.id) {comparison} (SELECT {other}, a.id FROM documents a WHERE a.id = ${n})"
            ));
            values.push(Value::from(after));
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM documents d WHERE {} ORDER BY {key} {direction}, d.id {direction} LIMIT ${}",
            conditions.join(" AND "),
            next(&values)
        );
        values.push(Value::from(filter.limit));
        let rows = self.fetch(sql, values).await?;
        self.with_tags(rows).await
    }

    /// How many documents of each category are out of the trash.
    pub async fn category_counts(&mut self) -> Result<Vec<(Category, i64)>, StoreError> {
        let rows = self
            .fetch(
                "SELECT category, COUNT(*) FROM documents WHERE trashed_at IS NULL GROUP BY category",
                args![],
            )
            .await?;
        let mut counts: Vec<_> = Category::ALL.into_iter().map(|c| (c, 0)).collect();
        for mut row in rows {
            let category: Category = row.parsed()?;
            let count = row.int()?;
            if let Some(entry) = counts.iter_mut().find(|(c, _)| *c == category) {
                entry.1 = count;
            }
        }
        Ok(counts)
    }

    /// The whole extracted text; pages are separated by form feeds.
    pub async fn extracted_text(&mut self, id: &DocumentId) -> Result<Option<String>, StoreError> {
        let row = self
            .fetch_optional(
                "SELECT extracted_text FROM documents WHERE id = $1",
                args![id],
            )
            .await?;
        row.map_or(Ok(None), |mut row| row.opt_text())
    }

    /// Commits what a stage hands back. Fields a person has set stay as they are.
    pub async fn apply_writes(
        &mut self,
        id: &DocumentId,
        writes: &[Write],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for write in writes {
            match write {
                Write::Patch(patch) => self.patch_document(id, patch, now).await?,
                Write::Segments(segments) => self.replace_segments(id, segments).await?,
                Write::Chunks(chunks) => self.replace_chunks(id, chunks).await?,
                Write::Tags(tags) => self.suggest_tags(id, tags, now).await?,
            }
        }
        if !writes.is_empty() {
            self.document_changed(id, None).await?;
        }
        Ok(())
    }

    async fn patch_document(
        &mut self,
        id: &DocumentId,
        patch: &DocumentPatch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unless_set = |field: &str, n: usize| {
            format!(
                "{field} = COALESCE(CASE WHEN user_fields LIKE '%\"{field}\"%' THEN NULL ELSE ${n} END, {field})"
            )
        };
        let sql = format!(
            "UPDATE documents SET {}, {}, {}, {}, {}, \
                 extracted_text = COALESCE($7, extracted_text), summary = COALESCE($8, summary), \
                 duration_s = COALESCE($9, duration_s), width = COALESCE($10, width), height = COALESCE($11, height), \
                 page_count = COALESCE($12, page_count), needs_conversion = COALESCE($13, needs_conversion), \
                 transcript_draft = COALESCE($14, transcript_draft), \
                 thumbnail_path = COALESCE($15, thumbnail_path), preview_path = COALESCE($16, preview_path), \
                 updated_at = $17 \
             WHERE id = $1",
            unless_set("title", 2),
            unless_set("category", 3),
            unless_set("language", 4),
            unless_set("document_type", 5),
            unless_set("document_date", 6),
        );
        let p = patch;
        self.execute(
            sql,
            args![
                id,
                p.title.as_deref().map(without_nul),
                p.category.map(|c| c.as_str().to_owned()),
                p.language.clone(),
                p.document_type.clone(),
                p.document_date.clone(),
                p.extracted_text.as_deref().map(without_nul),
                p.summary.as_deref().map(without_nul),
                p.duration_s,
                p.width,
                p.height,
                p.page_count,
                p.needs_conversion,
                p.transcript_draft,
                p.thumbnail_path.clone(),
                p.preview_path.clone(),
                now,
            ],
        )
        .await?;
        Ok(())
    }

    /// Commits a person's change; `false` where the document is gone.
    pub async fn edit_document(
        &mut self,
        id: &DocumentId,
        edit: &DocumentEdit,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let lock = self.words.for_update;
        let sql = format!("SELECT user_fields FROM documents WHERE id = $1 {lock}");
        let Some(mut row) = self.fetch_optional(sql, args![id]).await? else {
            return Ok(false);
        };
        let mut fields = read_names(&row.text()?)?;
        // Lifted for this one change: the person may change again what the person has set.
        self.set_user_fields(id, &[]).await?;
        self.patch_document(id, &edit.patch, now).await?;
        if let Some(tags) = &edit.tags {
            self.execute(
                "DELETE FROM document_tags WHERE document_id = $1",
                args![id],
            )
            .await?;
            self.add_tags(id, tags, now).await?;
        }
        fields.extend(edit.fields().into_iter().map(str::to_owned));
        fields.sort();
        fields.dedup();
        self.set_user_fields(id, &fields).await?;
        self.document_changed(id, edit.patch.category).await?;
        Ok(true)
    }

    async fn set_user_fields(
        &mut self,
        id: &DocumentId,
        fields: &[String],
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE documents SET user_fields = $2 WHERE id = $1",
            args![id, write_names(fields)],
        )
        .await?;
        Ok(())
    }

    async fn add_tags(
        &mut self,
        id: &DocumentId,
        tags: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for tag in tags.iter().map(|t| t.trim()).filter(|t| !t.is_empty()) {
            self.execute(
                "INSERT INTO tags (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                args![tag, now],
            )
            .await?;
            self.execute(
                "INSERT INTO document_tags (document_id, tag) VALUES ($1, $2) ON CONFLICT (document_id, tag) DO NOTHING",
                args![id, tag],
            )
            .await?;
        }
        Ok(())
    }

    async fn suggest_tags(
        &mut self,
        id: &DocumentId,
        tags: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let own = self
            .fetch_optional(
                "SELECT id FROM documents WHERE id = $1 AND user_fields LIKE '%\"tags\"%'",
                args![id],
            )
            .await?;
        if own.is_none() {
            self.add_tags(id, tags, now).await?;
        }
        Ok(())
    }

    /// Every tag in use with the number of documents out of the trash, A to Z.
    pub async fn tag_counts(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = self
            .fetch(
                "SELECT t.tag, COUNT(*) FROM document_tags t JOIN documents d ON d.id = t.document_id \
                 WHERE d.trashed_at IS NULL GROUP BY t.tag ORDER BY t.tag",
                args![],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| Ok((row.text()?, row.int()?)))
            .collect()
    }

    /// Replaces a note's text and the hash and size that follow from it; `false` where there is no such note.
    pub async fn set_note_text(
        &mut self,
        id: &DocumentId,
        text: &str,
        content_hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let text = without_nul(text);
        let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let changed = self
            .execute(
                "UPDATE documents SET extracted_text = $2, content_hash = $3, size = $4, modified_at = $5, updated_at = $5 \
                 WHERE id = $1 AND category = 'note'",
                args![id, text, content_hash, size, now],
            )
            .await?;
        if changed > 0 {
            self.document_changed(id, Some(Category::Note)).await?;
        }
        Ok(changed > 0)
    }

    /// Tells that the original now has another content (the file was changed in place): takes over the document's hash, size,
    /// time of change, file type and media type.
    pub async fn set_content(
        &mut self,
        document: &Document,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let d = document;
        self.execute(
            "UPDATE documents SET content_hash = $2, size = $3, modified_at = $4, file_type = $5, mime = $6, \
                updated_at = $7, missing_since = NULL, \
                preview_path = CASE WHEN category = 'video' THEN NULL ELSE preview_path END \
             WHERE id = $1",
            args![
                &d.id,
                &d.content_hash,
                d.size,
                d.modified_at,
                &d.file_type,
                &d.mime,
                now,
            ],
        )
        .await?;
        self.document_changed(&d.id, None).await
    }

    /// Tells where the original lies now; it is there, so it is no longer missing.
    pub async fn set_path(
        &mut self,
        id: &DocumentId,
        path: &str,
        path_raw: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE documents SET path = $2, path_raw = $3, missing_since = NULL, updated_at = $4 WHERE id = $1",
            args![id, path, path_raw, now],
        )
        .await?;
        self.document_changed(id, None).await
    }

    /// Marks the original as gone since `since`, or as there again (`None`).
    pub async fn set_missing(
        &mut self,
        id: &DocumentId,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE documents SET missing_since = $2, updated_at = $3 WHERE id = $1",
            args![id, since, now],
        )
        .await?;
        self.document_changed(id, None).await
    }

    /// Puts a document into the trash (`Some`) or takes it out (`None`); `false` where it is gone.
    pub async fn set_trashed(
        &mut self,
        id: &DocumentId,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = self
            .execute(
                "UPDATE documents SET trashed_at = $2, updated_at = $3 WHERE id = $1",
                args![id, at, now],
            )
            .await?;
        if changed > 0 {
            self.document_changed(id, None).await?;
        }
        Ok(changed > 0)
    }

    /// Removes a document with everything that belongs to it; the original file stays where it is. `false` where it is gone.
    pub async fn remove_document(&mut self, id: &DocumentId) -> Result<bool, StoreError> {
        let gone = self
            .execute("DELETE FROM documents WHERE id = $1", args![id])
            .await?;
        if gone > 0 {
            self.document_changed(id, None).await?;
        }
        Ok(gone > 0)
    }

    /// Notes the change for the search index and for listeners. Last in a transaction that has much to do: it holds the
    /// counter's lock until the commit.
    async fn document_changed(
        &mut self,
        id: &DocumentId,
        category: Option<Category>,
    ) -> Result<(), StoreError> {
        self.changed.insert(id.0.clone());
        let id = id.clone();
        self.events.push(Event::Document { id, category });
        Ok(())
    }
}

/// A pattern for `LIKE … ESCAPE '!'` that finds `text` anywhere, in lower case.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in model::name::nfc(text).to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
