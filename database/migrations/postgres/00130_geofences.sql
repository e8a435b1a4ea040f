-- +goose Up
-- Times are nanoseconds since 1970. since is when the fence was last changed:
-- what was known of things under an earlier one does not count.
CREATE TABLE geofences (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    zone_id         BIGINT NOT NULL REFERENCES zones (id),
    organisation_id BIGINT REFERENCES organisations (id),
    things          TEXT NOT NULL,
    metres          DOUBLE PRECISION NOT NULL,
    hold            BIGINT NOT NULL,
    since           BIGINT NOT NULL
);
CREATE INDEX geofences_zone ON geofences (zone_id);
CREATE INDEX geofences_organisation ON geofences (organisation_id);

-- The things that are in a fence, or about to cross it.
CREATE TABLE geofence_states (
    fence_id BIGINT NOT NULL,
    thing_id BIGINT NOT NULL,
    since    BIGINT NOT NULL,
    inside   BOOLEAN NOT NULL,
    pending  BIGINT NOT NULL,
    lon      DOUBLE PRECISION NOT NULL,
    lat      DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (fence_id, thing_id)
);

-- Up to when things were looked at.
CREATE TABLE geofence_sightings (
    thing_id BIGINT NOT NULL PRIMARY KEY,
    time     BIGINT NOT NULL
);

CREATE TABLE geofence_events (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fence_id  BIGINT NOT NULL,
    zone_id   BIGINT NOT NULL,
    thing_id  BIGINT NOT NULL,
    entered   BOOLEAN NOT NULL,
    time      BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    lon       DOUBLE PRECISION NOT NULL,
    lat       DOUBLE PRECISION NOT NULL
);
CREATE INDEX geofence_events_thing ON geofence_events (thing_id, id);
CREATE INDEX geofence_events_zone ON geofence_events (zone_id, id);

-- +goose Down
DROP TABLE geofence_events;
DROP TABLE geofence_sightings;
DROP TABLE geofence_states;
DROP TABLE geofences;
