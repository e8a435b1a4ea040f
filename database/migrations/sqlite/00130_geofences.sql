-- +goose Up
-- Times are nanoseconds since 1970. since is when the fence was last changed:
-- what was known of things under an earlier one does not count.
CREATE TABLE geofences (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    zone_id         INTEGER NOT NULL REFERENCES zones (id),
    organisation_id INTEGER REFERENCES organisations (id),
    things          TEXT NOT NULL,
    metres          REAL NOT NULL,
    hold            INTEGER NOT NULL,
    since           INTEGER NOT NULL
);
CREATE INDEX geofences_zone ON geofences (zone_id);
CREATE INDEX geofences_organisation ON geofences (organisation_id);

-- The things that are in a fence, or about to cross it.
CREATE TABLE geofence_states (
    fence_id INTEGER NOT NULL,
    thing_id INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    inside   BOOLEAN NOT NULL,
    pending  INTEGER NOT NULL,
    lon      REAL NOT NULL,
    lat      REAL NOT NULL,
    PRIMARY KEY (fence_id, thing_id)
);

-- Up to when things were looked at.
CREATE TABLE geofence_sightings (
    thing_id INTEGER NOT NULL PRIMARY KEY,
    time     INTEGER NOT NULL
);

CREATE TABLE geofence_events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    fence_id  INTEGER NOT NULL,
    zone_id   INTEGER NOT NULL,
    thing_id  INTEGER NOT NULL,
    entered   BOOLEAN NOT NULL,
    time      INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    lon       REAL NOT NULL,
    lat       REAL NOT NULL
);
CREATE INDEX geofence_events_thing ON geofence_events (thing_id, id);
CREATE INDEX geofence_events_zone ON geofence_events (zone_id, id);

-- +goose Down
DROP TABLE geofence_events;
DROP TABLE geofence_sightings;
DROP TABLE geofence_states;
DROP TABLE geofences;
