package api

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cityhub/devices"
)

var durationPattern = regexp.MustCompile(`^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?)$`)

// parseDuration reads an ISO 8601 duration of fixed length: weeks, days of 24
// hours, hours, minutes, seconds. "" is 0.
func parseDuration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	parts := durationPattern.FindStringSubmatch(text)
	if parts == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, &devices.FieldError{Field: field, Kind: devices.ErrInvalid,
			Detail: fmt.Sprintf("%q is not an ISO 8601 duration such as PT10M or P1DT12H", text)}
	}
	var seconds float64
	for i, unit := range []float64{604_800, 86_400, 3_600, 60, 1} {
		if parts[i+1] != "" {
			n, err := strconv.ParseFloat(parts[i+1], 64)
			if err != nil {
				return 0, err
			}
			seconds += n * unit
		}
	}
	if seconds > math.MaxInt64/1e9 {
		return 0, &devices.FieldError{Field: field, Kind: devices.ErrInvalid, Detail: "is longer than 290 years"}
	}
	return time.Duration(math.Round(seconds * 1e9)), nil
}

// formatDuration writes a duration in hours, minutes and seconds; 0 is "".
func formatDuration(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	text := "PT"
	if hours := d / time.Hour; hours > 0 {
		text += strconv.FormatInt(int64(hours), 10) + "H"
	}
	if minutes := d % time.Hour / time.Minute; minutes > 0 {
		text += strconv.FormatInt(int64(minutes), 10) + "M"
	}
	if rest := d % time.Minute; rest > 0 {
		text += strconv.FormatFloat(rest.Seconds(), 'f', -1, 64) + "S"
	}
	return text
}

// span is [from, to] as a caller names it.
type span struct{ from, to time.Time }

// ever are the bounds of what the archive can hold.
func ever() span {
	return span{time.Unix(0, 0).UTC(), time.Unix(0, math.MaxInt64-int64(time.Hour)).UTC()}
}

// parseSpan reads A/B with RFC 3339 instants, .. for an open end, or a single
// instant; "" is the last 24 hours.
func parseSpan(text string, now time.Time) (span, error) {
	if text == "" {
		return span{now.Add(-24 * time.Hour), now}, nil
	}
	begin, end, two := strings.Cut(text, "/")
	if !two {
		end = begin
	}
	s := ever()
	var err error
	if s.from, err = parseEnd(begin, s.from); err != nil {
		return s, err
	}
	if s.to, err = parseEnd(end, s.to); err != nil {
		return s, err
	}
	if s.to.Before(s.from) {
		return s, badParameter("datetime", "its end lies before its beginning")
	}
	return s, nil
}

func parseEnd(text string, open time.Time) (time.Time, error) {
	if text == ".." || text == "" {
		return open, nil
	}
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")) // an unescaped + arrives as a blank
	if err != nil {
		return t, badParameter("datetime", fmt.Sprintf("%q is not an RFC 3339 instant such as 2025-07-01T00:00:00+07:00, nor ..; an interval is A/B", text))
	}
	if bounds := ever(); t.Before(bounds.from) || t.After(bounds.to) {
		return t, badParameter("datetime", fmt.Sprintf("%q lies outside 1970…2262", text))
	}
	return t.UTC(), nil
}

// instant is a time that is left out when it is zero.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
