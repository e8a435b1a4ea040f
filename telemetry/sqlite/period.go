package sqlite

import (
	"fmt"
	"math"
	"strings"
	"time"

	"cityhub/telemetry"
)

const (
	dayNanos = int64(24 * time.Hour)
	minTime  = int64(math.MinInt64)
)

// period is the span of days that one file holds: a week of raw lines, a month
// of hourly ones, a year of daily ones. Days count from 1970-01-01; unlike
// nanoseconds they do not overflow at the ends of time.
type period struct {
	bucket     telemetry.Bucket
	start, end int64 // days, half-open
}

// dayOf gives the day that an instant is in.
func dayOf(t int64) int64 {
	day := t / dayNanos
	if t%dayNanos < 0 {
		day--
	}
	return day
}

// week gives the Monday of a day's week.
func week(day int64) int64 {
	since := (day + 3) % 7 // 1970-01-01 was a Thursday
	if since < 0 {
		since += 7
	}
	return day - since
}

func dateOf(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }

func dayOfDate(year int, month time.Month) int64 {
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400 // exact: midnights are multiples
}

// periodOf gives the span that a line of this instant is filed under.
func periodOf(bucket telemetry.Bucket, t int64) period {
	return periodOfDay(bucket, dayOf(t))
}

func periodOfDay(bucket telemetry.Bucket, day int64) period {
	date := dateOf(day)
	switch bucket {
	case telemetry.Hourly:
		return period{bucket, dayOfDate(date.Year(), date.Month()), dayOfDate(date.Year(), date.Month()+1)}
	case telemetry.Daily:
		return period{bucket, dayOfDate(date.Year(), 1), dayOfDate(date.Year()+1, 1)}
	}
	start := week(day)
	return period{bucket, start, start + 7}
}

func (p period) holds(t int64) bool {
	day := dayOf(t)
	return p.start <= day && day < p.end
}

// overlaps says whether any instant of [from, to) is in the period.
func (p period) overlaps(from, to int64) bool {
	return from < to && dayOf(from) < p.end && p.start <= dayOf(to-1)
}

// name is the file's: the bucket and the first day.
func (p period) name() string {
	return fmt.Sprintf("%s-%s.db", p.bucket, dateOf(p.start).Format(time.DateOnly))
}

// periodNamed reads a file's name; ok is false for files of other origin.
func periodNamed(name string) (p period, ok bool) {
	for _, bucket := range []telemetry.Bucket{telemetry.Raw, telemetry.Hourly, telemetry.Daily} {
		rest, found := strings.CutPrefix(name, bucket.String()+"-")
		if !found {
			continue
		}
		date, err := time.Parse(time.DateOnly+".db", rest)
		if err != nil {
			return p, false
		}
		p = periodOfDay(bucket, date.Unix()/86400)
		return p, p.name() == name
	}
	return p, false
}
