-- +goose Up
-- Answers to writes that named a key; status 0 while the write is under way.
CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    name      TEXT NOT NULL,
    request   TEXT NOT NULL,
    hash      BLOB NOT NULL,
    begun     INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    header    TEXT NOT NULL,
    body      BLOB NOT NULL,
    PRIMARY KEY (principal, name)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_begun ON idempotency_keys (begun);

-- The ids that clients made while they were offline.
ALTER TABLE things ADD COLUMN client_id TEXT;
CREATE UNIQUE INDEX things_client ON things (client_id);
ALTER TABLE devices ADD COLUMN client_id TEXT;
CREATE UNIQUE INDEX devices_client ON devices (client_id);
ALTER TABLE deployments ADD COLUMN client_id TEXT;
CREATE UNIQUE INDEX deployments_client ON deployments (client_id);

-- +goose Down
DROP INDEX deployments_client;
ALTER TABLE deployments DROP COLUMN client_id;
DROP INDEX devices_client;
ALTER TABLE devices DROP COLUMN client_id;
DROP INDEX things_client;
ALTER TABLE things DROP COLUMN client_id;
DROP TABLE idempotency_keys;
