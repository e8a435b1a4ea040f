-- +goose Up
-- One row a device, so that no more than two secrets can ever be valid: the
-- present one and, until old_until, the one before. Of secrets only hashes are
-- kept. A row without a hash says that the device was shut out.
CREATE TABLE device_credentials (
    device_id   INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL,
    slot        INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    old_hash    TEXT NOT NULL,
    old_until   INTEGER,
    revoked     INTEGER
);

-- One row a device: a new code takes the place of the one before.
CREATE TABLE claim_codes (
    device_id INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    hash      TEXT NOT NULL,
    maker     TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    tries     INTEGER NOT NULL,
    used      INTEGER
);

-- What a broker with a list of its own has still to be told; the last word
-- about a user name is the one that counts. sealed holds the secret, locked
-- with a key that is not in the database, until the broker has it; '' means
-- that the user has to go.
CREATE TABLE broker_commands (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    code     TEXT NOT NULL,
    sealed   TEXT NOT NULL,
    due      INTEGER NOT NULL
);
CREATE INDEX broker_commands_due ON broker_commands (due);

-- +goose Down
DROP TABLE broker_commands;
DROP TABLE claim_codes;
DROP TABLE device_credentials;
