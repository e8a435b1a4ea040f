-- +goose Up
-- Where those things stood that have stood at more than one place. There are
-- few of them, so a start can know them all.
CREATE VIEW moves AS
    SELECT * FROM historical_locations
    WHERE thing_id IN (SELECT thing_id FROM historical_locations GROUP BY thing_id HAVING COUNT(*) > 1);

-- +goose Down
DROP VIEW moves;
