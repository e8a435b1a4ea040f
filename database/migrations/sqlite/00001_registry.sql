-- +goose Up
-- Instants and spans are nanoseconds; NULL stands for none. AUTOINCREMENT,
-- because an id that was once used must never name something else: the
-- archive holds readings under it.
CREATE TABLE organisations (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
);

CREATE TABLE locations (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    lon  REAL NOT NULL,
    lat  REAL NOT NULL,
    alt  REAL NOT NULL
);

CREATE TABLE things (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    description     TEXT NOT NULL,
    organisation_id INTEGER REFERENCES organisations (id),
    location_id     INTEGER REFERENCES locations (id),
    mobile          BOOLEAN NOT NULL
);
CREATE INDEX things_organisation ON things (organisation_id);
CREATE INDEX things_location ON things (location_id);

CREATE TABLE historical_locations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    thing_id    INTEGER NOT NULL REFERENCES things (id),
    location_id INTEGER NOT NULL REFERENCES locations (id),
    time        INTEGER NOT NULL
);
CREATE INDEX historical_locations_thing ON historical_locations (thing_id);
CREATE INDEX historical_locations_location ON historical_locations (location_id);

CREATE TABLE observed_properties (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    code       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL,
    unit       TEXT NOT NULL,
    kind       TEXT NOT NULL
);

CREATE TABLE sensors (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    manufacturer    TEXT NOT NULL,
    description     TEXT NOT NULL,
    report_interval INTEGER NOT NULL,
    codec           TEXT NOT NULL,
    channels        TEXT NOT NULL
);

-- Which properties a model's channels name: kept by the triggers below, so
-- that a property in use cannot go and a channel cannot name one that is not.
CREATE TABLE sensor_properties (
    sensor_id INTEGER NOT NULL REFERENCES sensors (id) ON DELETE CASCADE,
    property  TEXT    NOT NULL REFERENCES observed_properties (code),
    PRIMARY KEY (sensor_id, property)
) WITHOUT ROWID;
CREATE INDEX sensor_properties_property ON sensor_properties (property);

-- +goose StatementBegin
CREATE TRIGGER sensors_insert AFTER INSERT ON sensors BEGIN
    INSERT INTO sensor_properties
    SELECT DISTINCT new.id, json_extract(value, '$.property') FROM json_each(new.channels);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sensors_update AFTER UPDATE OF channels ON sensors BEGIN
    DELETE FROM sensor_properties WHERE sensor_id = new.id;
    INSERT INTO sensor_properties
    SELECT DISTINCT new.id, json_extract(value, '$.property') FROM json_each(new.channels);
END;
-- +goose StatementEnd

CREATE TABLE datastream_groups (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    thing_id  INTEGER NOT NULL REFERENCES things (id),
    sensor_id INTEGER NOT NULL REFERENCES sensors (id),
    place     INTEGER NOT NULL,
    UNIQUE (thing_id, sensor_id, place)
);
CREATE INDEX datastream_groups_sensor ON datastream_groups (sensor_id);

CREATE TABLE datastreams (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    thing_id  INTEGER NOT NULL REFERENCES things (id),
    sensor_id INTEGER NOT NULL REFERENCES sensors (id),
    property  TEXT NOT NULL REFERENCES observed_properties (code),
    unit      TEXT NOT NULL,
    group_id  INTEGER NOT NULL REFERENCES datastream_groups (id),
    slot      INTEGER NOT NULL,
    retired   BOOLEAN NOT NULL,
    UNIQUE (group_id, property)
);
CREATE INDEX datastreams_thing ON datastreams (thing_id);
CREATE INDEX datastreams_sensor ON datastreams (sensor_id);
CREATE INDEX datastreams_property ON datastreams (property);

CREATE TABLE devices (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    code            TEXT NOT NULL UNIQUE,
    serial          TEXT NOT NULL,
    dev_eui         TEXT UNIQUE,
    sensor_id       INTEGER NOT NULL REFERENCES sensors (id),
    organisation_id INTEGER REFERENCES organisations (id),
    state           TEXT NOT NULL,
    secret_hash     TEXT NOT NULL
);
CREATE INDEX devices_serial ON devices (serial);
CREATE INDEX devices_sensor ON devices (sensor_id);
CREATE INDEX devices_organisation ON devices (organisation_id);

CREATE TABLE deployments (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id INTEGER NOT NULL REFERENCES devices (id),
    thing_id  INTEGER NOT NULL REFERENCES things (id),
    group_id  INTEGER NOT NULL REFERENCES datastream_groups (id),
    from_time INTEGER NOT NULL,
    to_time   INTEGER,
    lon       REAL,
    lat       REAL,
    alt       REAL,
    CONSTRAINT deployments_to_time CHECK (to_time > from_time)
);
CREATE UNIQUE INDEX deployments_open ON deployments (device_id) WHERE to_time IS NULL;
CREATE INDEX deployments_device ON deployments (device_id);
CREATE INDEX deployments_thing ON deployments (thing_id);
CREATE INDEX deployments_group ON deployments (group_id);

-- +goose Down
DROP TABLE deployments;
DROP TABLE devices;
DROP TABLE datastreams;
DROP TABLE datastream_groups;
DROP TABLE sensor_properties;
DROP TABLE sensors;
DROP TABLE observed_properties;
DROP TABLE historical_locations;
DROP TABLE things;
DROP TABLE locations;
DROP TABLE organisations;
