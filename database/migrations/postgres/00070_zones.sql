-- +goose Up
-- Days are counted from 1970-01-01; area holds the coordinates of a GeoJSON
-- MultiPolygon in WGS 84.
CREATE TABLE zones (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    name_en   TEXT NOT NULL,
    parent_id BIGINT REFERENCES zones (id)
);
CREATE INDEX zones_kind ON zones (kind);
CREATE INDEX zones_parent ON zones (parent_id);

CREATE TABLE zone_versions (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    zone_id  BIGINT NOT NULL REFERENCES zones (id),
    from_day BIGINT NOT NULL,
    to_day   BIGINT,
    area     TEXT NOT NULL,
    CONSTRAINT zone_versions_to_day CHECK (to_day > from_day),
    UNIQUE (zone_id, from_day)
);
CREATE INDEX zone_versions_zone ON zone_versions (zone_id);

-- +goose Down
DROP TABLE zone_versions;
DROP TABLE zones;
