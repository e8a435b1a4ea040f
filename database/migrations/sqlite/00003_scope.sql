-- +goose Up
ALTER TABLE datastreams ADD COLUMN publication TEXT NOT NULL DEFAULT 'private';

CREATE TABLE audit (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    time            INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    actor           INTEGER NOT NULL,
    name            TEXT NOT NULL,
    organisation_id INTEGER, -- no reference: an entry outlives what it tells of
    action          TEXT NOT NULL,
    noun            TEXT NOT NULL,
    entity          INTEGER NOT NULL,
    before_json     TEXT,
    after_json      TEXT,
    request         TEXT NOT NULL
);
CREATE INDEX audit_entity ON audit (noun, entity);
CREATE INDEX audit_organisation ON audit (organisation_id);
CREATE INDEX audit_time ON audit (time);

-- Append-only: nothing is changed, and nothing goes before its year is over.
-- +goose StatementBegin
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
WHEN OLD.time > (CAST(strftime('%s', 'now') AS INTEGER) - 366 * 86400) * 1000000000
BEGIN
    SELECT RAISE(ABORT, 'the audit log keeps its entries for a year');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit;
ALTER TABLE datastreams DROP COLUMN publication;
