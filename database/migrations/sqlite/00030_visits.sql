-- +goose Up
CREATE TABLE visits (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT UNIQUE,
    thing_id  INTEGER NOT NULL REFERENCES things (id),
    opened    INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    reason    TEXT NOT NULL,
    closed    INTEGER,
    closed_by TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    is_open   BOOLEAN NOT NULL, -- closed IS NULL
    CONSTRAINT visits_closed CHECK (closed >= opened)
);
CREATE INDEX visits_thing ON visits (thing_id);
CREATE INDEX visits_open ON visits (is_open);

CREATE TABLE visit_notes (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT UNIQUE,
    visit_id  INTEGER NOT NULL REFERENCES visits (id),
    time      INTEGER NOT NULL,
    author    TEXT NOT NULL,
    text      TEXT NOT NULL
);
CREATE INDEX visit_notes_visit ON visit_notes (visit_id);

-- The bytes are files below the data folder.
CREATE TABLE visit_photos (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id  TEXT UNIQUE,
    visit_id   INTEGER NOT NULL REFERENCES visits (id),
    time       INTEGER NOT NULL,
    author     TEXT NOT NULL,
    caption    TEXT NOT NULL,
    file       TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    stripped   BOOLEAN NOT NULL
);
CREATE INDEX visit_photos_visit ON visit_photos (visit_id);

-- +goose Down
DROP TABLE visit_photos;
DROP TABLE visit_notes;
DROP TABLE visits;
