package geo

import (
	"fmt"
	"time"
)

// Day is a calendar day, counted from 1970-01-01. Boundaries change by days,
// and a day has no time zone: who asks says which day it is.
type Day int32

const secondsOfDay = 86_400

// DayOf is the day of an instant in the instant's own time zone.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)
}

// ParseDay reads a day as 2025-07-01; years before 1970 and after 9999 are
// refused.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1970 {
		return 0, fmt.Errorf("%q is not a day such as 2025-07-01, from 1970 on", text)
	}
	return DayOf(t), nil
}

// String writes the day as 2025-07-01.
func (d Day) String() string {
	return time.Unix(int64(d)*secondsOfDay, 0).UTC().Format(time.DateOnly)
}
