-- +goose Up
-- What happened to a device. Things, other devices and organisations are named
-- without a reference: what happened stays told when they are gone.
CREATE TABLE device_events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id       INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL,
    from_state      TEXT NOT NULL,
    to_state        TEXT NOT NULL,
    actor_kind      TEXT NOT NULL,
    actor_id        INTEGER,
    actor_name      TEXT NOT NULL,
    time            INTEGER NOT NULL,
    noted           INTEGER NOT NULL,
    reason          TEXT NOT NULL,
    lon             REAL,
    lat             REAL,
    alt             REAL,
    accuracy        REAL,
    thing_id        INTEGER,
    other_id        INTEGER,
    organisation_id INTEGER
);
CREATE INDEX device_events_device ON device_events (device_id);

-- From when on a datastream gets no more readings, for the device that took
-- the place does not measure it; NULL while it does.
ALTER TABLE datastreams ADD COLUMN ended INTEGER;

-- +goose Down
ALTER TABLE datastreams DROP COLUMN ended;
DROP TABLE device_events;
