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
	if t, ok := plainInstant(text); ok {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, undecodable("%s is not a time: send RFC 3339 such as 2026-03-01T08:00:00Z", quote(text))
	}
	return countable(t.UTC())
}

// plainInstant reads what almost every time is: in UTC, with no more than nine
// decimals, from 1700 to 2199, and not on the last day of a long February.
// Anything else, right or wrong, it leaves to the library.
func plainInstant(text string) (time.Time, bool) {
	n := len(text) - 1
	if n < 19 || text[n] != 'Z' || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return time.Time{}, false
	}
	century, year, month, day := pair(text[0:]), pair(text[2:]), pair(text[5:]), pair(text[8:])
	hour, minute, second := pair(text[11:]), pair(text[14:]), pair(text[17:])
	if century < 17 || century > 21 || year > 99 || month < 1 || month > 12 || day < 1 || day > longest[month] ||
		hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	nanos, ok := decimals(text[19:n])
	return time.Date(century*100+year, time.Month(month), day, hour, minute, second, nanos, time.UTC), ok
}

// longest are the days of the months in a year that has no 29 February.
var longest = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// pair reads two digits; 100 says that they are none.
func pair(text string) int {
	tens, ones := text[0]-'0', text[1]-'0'
	if tens > 9 || ones > 9 {
		return 100
	}
	return int(tens)*10 + int(ones)
}

// decimals reads the nanoseconds in .123456, and none where nothing is.
func decimals(text string) (int, bool) {
	if text == "" {
		return 0, true
	}
	if len(text) < 2 || len(text) > 10 || text[0] != '.' {
		return 0, false
	}
	nanos := 0
	for i := 1; i < 10; i++ {
		nanos *= 10
		if i < len(text) {
			d := text[i] - '0'
			if d > 9 {
				return 0, false
			}
			nanos += int(d)
		}
	}
	return nanos, true
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
