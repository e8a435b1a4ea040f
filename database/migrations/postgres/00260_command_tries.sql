-- +goose Up
-- How often the broker has refused a command; due is then the next try.
ALTER TABLE broker_commands ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE broker_commands DROP COLUMN tries;
