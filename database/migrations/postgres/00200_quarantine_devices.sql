-- +goose Up
-- What each device has in the quarantine ('' what names none), kept like the
-- totals: when it is full, those who have most give way.
CREATE TABLE quarantine_devices (
    device   TEXT PRIMARY KEY,
    messages BIGINT NOT NULL,
    bytes    BIGINT NOT NULL
);
INSERT INTO quarantine_devices SELECT device, count(*), sum(bytes) FROM quarantine GROUP BY device;
CREATE INDEX quarantine_devices_messages ON quarantine_devices (messages);
CREATE INDEX quarantine_devices_bytes ON quarantine_devices (bytes);

-- +goose Down
DROP TABLE quarantine_devices;
