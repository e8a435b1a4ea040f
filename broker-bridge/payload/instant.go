package payload

import (
	"math"
	"time"

	"cityhub/telemetry"
)

// The instants that nanoseconds since 1970 can count.
var (
	earliest = time.Unix(0, math.MinInt64)
	latest   = time.Unix(0, math.MaxInt64)
)

// instant reads an RFC 3339 time, in UTC.
func instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, undecodable("%s is not a time: send RFC 3339 such as 2026-03-01T08:00:00Z", quote(text))
	}
	return countable(t.UTC())
}

// epochMillis reads milliseconds since 1970; fractions count.
func epochMillis(ms float64) (time.Time, error) {
	if math.Abs(ms) > 1e16 {
		return time.Time{}, refuse(telemetry.WrongClock, "%v is not milliseconds since 1970", ms)
	}
	whole := math.Floor(ms)
	return countable(time.UnixMilli(int64(whole)).Add(time.Duration((ms - whole) * 1e6)).UTC())
}

func countable(t time.Time) (time.Time, error) {
	if t.Before(earliest) || t.After(latest) {
		return time.Time{}, refuse(telemetry.WrongClock, "the year %d is out of the hub's calendar: set the device's clock", t.Year())
	}
	return t, nil
}
