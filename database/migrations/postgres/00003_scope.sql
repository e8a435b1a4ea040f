-- +goose Up
ALTER TABLE datastreams ADD COLUMN publication TEXT NOT NULL DEFAULT 'private';

CREATE TABLE audit (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time            BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    actor           BIGINT NOT NULL,
    name            TEXT NOT NULL,
    organisation_id BIGINT, -- no reference: an entry outlives what it tells of
    action          TEXT NOT NULL,
    noun            TEXT NOT NULL,
    entity          BIGINT NOT NULL,
    before_json     TEXT,
    after_json      TEXT,
    request         TEXT NOT NULL
);
CREATE INDEX audit_entity ON audit (noun, entity);
CREATE INDEX audit_organisation ON audit (organisation_id);
CREATE INDEX audit_time ON audit (time);

-- Append-only: nothing is changed, and nothing goes before its year is over.
-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.time <= (extract(epoch FROM now())::BIGINT - 366 * 86400) * 1000000000 THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only and keeps its entries for a year';
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TABLE audit;
DROP FUNCTION audit_refuse;
ALTER TABLE datastreams DROP COLUMN publication;
