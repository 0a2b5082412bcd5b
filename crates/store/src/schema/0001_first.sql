-- Columns are TEXT, BIGINT, DOUBLE PRECISION and bytes; times are Unix milliseconds; JSON is text.

CREATE TABLE documents (
    id               TEXT PRIMARY KEY,
    title            TEXT NOT NULL,
    category         TEXT NOT NULL,
    file_type        TEXT NOT NULL,
    mime             TEXT NOT NULL,
    path             TEXT,
    path_raw         {blob},
    content_hash     TEXT NOT NULL,
    size             BIGINT NOT NULL,
    modified_at      BIGINT NOT NULL,
    source           TEXT NOT NULL,
    language         TEXT,
    document_type    TEXT,
    summary          TEXT,
    document_date    TEXT,
    duration_s       DOUBLE PRECISION,
    width            BIGINT,
    height           BIGINT,
    page_count       BIGINT,
    needs_conversion BIGINT NOT NULL,
    transcript_draft BIGINT NOT NULL,
    thumbnail_path   TEXT,
    preview_path     TEXT,
    user_fields      TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    missing_since    BIGINT,
    trashed_at       BIGINT,
    -- Last, so that reading the other columns never walks through megabytes of text.
    extracted_text   TEXT
);
-- The same content is no second document; notes may say the same thing twice.
CREATE UNIQUE INDEX documents_content ON documents (content_hash) WHERE category <> 'note';
CREATE UNIQUE INDEX documents_path ON documents (path) WHERE path IS NOT NULL;
CREATE INDEX documents_added ON documents (created_at, id);
CREATE INDEX documents_category ON documents (category, created_at, id);

CREATE TABLE tags (
    name       TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);
CREATE TABLE document_tags (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    tag         TEXT NOT NULL REFERENCES tags (name) ON DELETE CASCADE,
    PRIMARY KEY (document_id, tag)
);
CREATE INDEX document_tags_tag ON document_tags (tag, document_id);

-- Every file seen below the watched folders, so that a scan reads only what changed.
CREATE TABLE files (
    path         TEXT PRIMARY KEY,
    path_raw     {blob},
    size         BIGINT NOT NULL,
    modified_at  BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    document_id  TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE
);
CREATE INDEX files_document ON files (document_id);

CREATE TABLE audio_segments (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    start_s     DOUBLE PRECISION NOT NULL,
    end_s       DOUBLE PRECISION NOT NULL,
    text        TEXT NOT NULL,
    words       TEXT,
    confidence  DOUBLE PRECISION,
    PRIMARY KEY (document_id, seq)
);
CREATE TABLE chunks (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    text        TEXT NOT NULL,
    page        BIGINT,
    start_s     DOUBLE PRECISION,
    char_start  BIGINT NOT NULL,
    char_end    BIGINT NOT NULL,
    PRIMARY KEY (document_id, seq)
);
-- seq -1 is the vector of the whole document, the others are those of its chunks.
CREATE TABLE embeddings (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    model       TEXT NOT NULL,
    vector      {blob} NOT NULL,
    PRIMARY KEY (document_id, seq, model)
);

CREATE TABLE processing_queue (
    id            TEXT PRIMARY KEY,
    document_id   TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    stage         TEXT NOT NULL,
    status        TEXT NOT NULL,
    priority      BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    max_attempts  BIGINT NOT NULL,
    run_at        BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    started_at    BIGINT,
    completed_at  BIGINT,
    lease_until   BIGINT,
    lease_id      TEXT,
    worker        TEXT,
    progress      DOUBLE PRECISION,
    waiting_for   TEXT,
    error_code    TEXT,
    error_message TEXT,
    stage_version BIGINT NOT NULL
);
CREATE UNIQUE INDEX queue_one_pending ON processing_queue (document_id, stage) WHERE status = 'pending';
CREATE UNIQUE INDEX queue_one_processing ON processing_queue (document_id, stage) WHERE status = 'processing';
-- What a claim walks: only what is pending, in the order of the claim, so that history costs nothing.
CREATE INDEX queue_claim ON processing_queue (stage, priority DESC, run_at, id) WHERE status = 'pending';
CREATE INDEX queue_leases ON processing_queue (lease_until) WHERE status = 'processing';
CREATE INDEX queue_document ON processing_queue (document_id, stage, created_at);
CREATE INDEX queue_status ON processing_queue (status, created_at, id);

CREATE TABLE paused_stages (
    stage     TEXT PRIMARY KEY,
    paused_at BIGINT NOT NULL
);

-- Which documents the search index has to look at again, in the order of their commits. The counter row is locked until the
-- commit, so that no reader ever sees a number before all smaller ones are there.
CREATE TABLE changes (
    seq         BIGINT PRIMARY KEY,
    document_id TEXT NOT NULL
);
CREATE INDEX changes_document ON changes (document_id);
CREATE TABLE change_counter (
    id  BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL
);
INSERT INTO change_counter (id, seq) VALUES (1, 0);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_name ON users (name);
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    token_hash   TEXT NOT NULL,
    user_id      TEXT REFERENCES users (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (token_hash);

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
