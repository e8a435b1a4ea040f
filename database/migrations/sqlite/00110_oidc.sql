-- +goose Up
-- Issuer and subject of the identity that a user is linked to, '' for none.
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject <> '';

-- +goose Down
DROP INDEX users_subject;
ALTER TABLE users DROP COLUMN subject;
