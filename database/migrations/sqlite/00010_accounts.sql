-- +goose Up
-- Secrets are kept as hashes only. An organisation of NULL is the whole city.
CREATE TABLE users (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    email     TEXT NOT NULL,
    password  TEXT NOT NULL,
    disabled  BOOLEAN NOT NULL,
    created   INTEGER NOT NULL
);

CREATE TABLE user_roles (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            TEXT NOT NULL,
    organisation_id INTEGER REFERENCES organisations (id)
);
CREATE INDEX user_roles_user ON user_roles (user_id);
CREATE INDEX user_roles_organisation ON user_roles (organisation_id);

CREATE TABLE api_keys (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL,
    hint            TEXT NOT NULL,
    hash            TEXT NOT NULL UNIQUE,
    role            TEXT NOT NULL,
    organisation_id INTEGER REFERENCES organisations (id),
    created         INTEGER NOT NULL,
    expires         INTEGER,
    used            INTEGER
);
CREATE INDEX api_keys_organisation ON api_keys (organisation_id);

CREATE TABLE sessions (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE set_ups (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    hash    TEXT NOT NULL UNIQUE,
    expires INTEGER NOT NULL
);

CREATE TABLE grants (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id  INTEGER NOT NULL REFERENCES organisations (id),
    reader_id INTEGER NOT NULL REFERENCES organisations (id),
    thing_id  INTEGER REFERENCES things (id) ON DELETE CASCADE,
    property  TEXT NOT NULL
);
CREATE INDEX grants_owner ON grants (owner_id);
CREATE INDEX grants_reader ON grants (reader_id);
CREATE INDEX grants_thing ON grants (thing_id);

-- +goose Down
DROP TABLE grants;
DROP TABLE set_ups;
DROP TABLE sessions;
DROP TABLE api_keys;
DROP TABLE user_roles;
DROP TABLE users;
