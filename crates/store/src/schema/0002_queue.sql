-- The queue at its limits: fewer indexes on the way of every item, what went wrong on the way, and how fast it goes.

-- Priorities are a closed set now, so that a claim looks up each by itself and never walks past rows that are not due.
UPDATE processing_queue SET priority = CASE WHEN priority >= 10 THEN 10 WHEN priority >= 0 THEN 0 ELSE -10 END;

-- How often the worker died with this row. A row that was there twice is run while no other such row is.
ALTER TABLE processing_queue ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0;

-- What a claim walks: only what is pending and beyond suspicion, priority by priority.
DROP INDEX queue_claim;
CREATE INDEX queue_claim ON processing_queue (stage, priority, run_at, id) WHERE status = 'pending' AND crashes < 2;
CREATE INDEX queue_suspects ON processing_queue (stage, run_at) WHERE status = 'pending' AND crashes > 1;

-- Every index costs every item. Running rows are few and found by queue_one_processing; ended rows are looked for by their
-- document, by their id, or because they did not end well.
DROP INDEX queue_leases;
DROP INDEX queue_status;
DROP INDEX queue_document;
CREATE INDEX queue_document ON processing_queue (document_id, stage, id);
CREATE INDEX queue_failed ON processing_queue (id) WHERE status = 'failed';
CREATE INDEX queue_cancelled ON processing_queue (id) WHERE status = 'cancelled';

-- What happened to a row besides beginning and succeeding, for the document's timeline.
CREATE TABLE queue_troubles (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    row_id      TEXT NOT NULL,
    stage       TEXT NOT NULL,
    at          BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    code        TEXT,
    message     TEXT,
    worker      TEXT,
    PRIMARY KEY (document_id, at, row_id, kind)
);

-- How many runs of a stage a worker ended in each minute (Unix time / 60,000) and how many microseconds they took.
CREATE TABLE stage_minutes (
    stage     TEXT NOT NULL,
    minute    BIGINT NOT NULL,
    worker    TEXT NOT NULL,
    completed BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    busy_us   BIGINT NOT NULL,
    PRIMARY KEY (stage, minute, worker)
);
