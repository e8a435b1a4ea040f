-- +goose Up
CREATE TABLE quarantine (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    route    TEXT NOT NULL,
    topic    TEXT NOT NULL,
    sender   TEXT NOT NULL,
    device   TEXT NOT NULL,
    payload  BLOB NOT NULL,
    reason   TEXT NOT NULL,
    detail   TEXT NOT NULL,
    bytes    INTEGER NOT NULL
);
CREATE INDEX quarantine_reason ON quarantine (reason);
CREATE INDEX quarantine_device ON quarantine (device);

-- What the quarantine holds, kept with every change of it, so that counting
-- and staying within bounds never read it whole.
CREATE TABLE quarantine_totals (
    reason   TEXT PRIMARY KEY,
    messages INTEGER NOT NULL,
    bytes    INTEGER NOT NULL
);

CREATE TABLE id_blocks (
    first     INTEGER PRIMARY KEY,
    count     INTEGER NOT NULL,
    from_time INTEGER NOT NULL,
    to_time   INTEGER NOT NULL
);
-- One row: the first id that no block holds.
CREATE TABLE next_id (next INTEGER NOT NULL);
INSERT INTO next_id VALUES (1);

CREATE TABLE dirty_windows (
    hour     INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    marks    INTEGER NOT NULL, -- how often it was marked: tells a mark made meanwhile
    PRIMARY KEY (hour, group_id)
) WITHOUT ROWID;
-- One row: the end of the last hour rolled up for every group.
CREATE TABLE roll_up_watermark (hour INTEGER NOT NULL);
INSERT INTO roll_up_watermark VALUES (0);

-- +goose Down
DROP TABLE roll_up_watermark;
DROP TABLE dirty_windows;
DROP TABLE next_id;
DROP TABLE id_blocks;
DROP TABLE quarantine_totals;
DROP TABLE quarantine;
