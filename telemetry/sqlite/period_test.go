package sqlite

import (
	"math"
	"testing"
	"time"

	"cityhub/telemetry"
)

func at(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		bucket telemetry.Bucket
		time   string
		name   string
	}{
		{telemetry.Raw, "2026-11-23T00:00:00Z", "raw-2026-11-23.db"},
		{telemetry.Raw, "2026-11-29T23:59:59.999999999Z", "raw-2026-11-23.db"},
		{telemetry.Raw, "2026-11-22T23:59:59.999999999Z", "raw-2026-11-16.db"},
		{telemetry.Raw, "1970-01-01T00:00:00Z", "raw-1969-12-29.db"},
		{telemetry.Raw, "1969-12-28T23:59:59Z", "raw-1969-12-22.db"},
		{telemetry.Hourly, "2024-02-29T12:00:00Z", "hourly-2024-02-01.db"},
		{telemetry.Hourly, "2026-12-31T23:00:00Z", "hourly-2026-12-01.db"},
		{telemetry.Daily, "2026-12-31T00:00:00Z", "daily-2026-01-01.db"},
		{telemetry.Daily, "1969-12-31T00:00:00Z", "daily-1969-01-01.db"},
	} {
		p := periodOf(c.bucket, at(c.time))
		if p.name() != c.name || !p.holds(at(c.time)) {
			t.Errorf("%s %s: got %s %v", c.bucket, c.time, p.name(), p)
		}
		if back, ok := periodNamed(p.name()); !ok || back != p {
			t.Errorf("%s reads back as %v", p.name(), back)
		}
	}
}

func TestPeriodsAtTheEndsOfTime(t *testing.T) {
	for _, bucket := range []telemetry.Bucket{telemetry.Raw, telemetry.Hourly, telemetry.Daily} {
		for _, instant := range []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, math.MaxInt64 - 1, math.MaxInt64} {
			p := periodOf(bucket, instant)
			if back, ok := periodNamed(p.name()); !p.holds(instant) || !ok || back != p {
				t.Errorf("%s %d: %v, back %v", bucket, instant, p, back)
			}
			if instant < math.MaxInt64 && !p.overlaps(instant, instant+1) || p.overlaps(instant, instant) {
				t.Errorf("%s %d: overlaps is wrong", bucket, instant)
			}
		}
	}
}

func TestForeignFileNames(t *testing.T) {
	for _, name := range []string{"raw-2026-11-24.db", "raw-2026-11-23.db-wal", "raw-2026-11-23", "hub.db", "weekly-2026-11-23.db", "raw-.db"} {
		if p, ok := periodNamed(name); ok {
			t.Errorf("%s is taken for %v", name, p)
		}
	}
}
