package payload

import (
	"fmt"
	"testing"
	"time"
)

// TestInstant holds the short way to the library's parser: on every day that it
// takes, in every form near its own, and where it must step back.
func TestInstant(t *testing.T) {
	for day := time.Date(1699, 12, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2201; day = day.Add(24*time.Hour + 7*time.Minute + 13*time.Second + 123456789) {
		agree(t, day.Format("2006-01-02T15:04:05.999999999Z"))
	}
	for year := 1676; year < 2264; year++ {
		for _, day := range []string{"00-10", "01-00", "02-28", "02-29", "02-30", "03-01", "04-31", "12-31", "12-32", "13-01"} {
			agree(t, fmt.Sprintf("%04d-%sT23:59:59Z", year, day))
		}
	}
	for _, text := range []string{"", "Z", "2026-03-01T08:00:00", "2026-03-01T08:00:00z", "2026-03-01t08:00:00Z", "2026-03-01 08:00:00Z",
		"2026-03-01T24:00:00Z", "2026-03-01T08:60:00Z", "2026-03-01T08:00:60Z", "2026-03-01T8:00:00Z", "2026-3-01T08:00:00Z",
		"2026-03-01T08:00:00.Z", "2026-03-01T08:00:00,5Z", "2026-03-01T08:00:00.000000001Z", "2026-03-01T08:00:00.1234567891Z",
		"2026-03-01T08:00:00.12x4Z", "2026-03-01T08:00:00.5+07:00", "2026-03-01T08:00:00-00:00", "2O26-03-01T08:00:00Z",
		"2026-03-01T08:00:0/Z", "2026-03-01T08:00:00ZZ", "+026-03-01T08:00:00Z", "2026-03-01T08:00:00.5ZZ", "20260-3-01T08:00:00Z"} {
		agree(t, text)
	}
}

func agree(t *testing.T, text string) {
	t.Helper()
	got, ok := plainInstant(text)
	if !ok {
		return
	}
	want, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || got != want.UTC() {
		t.Fatalf("%s: %v instead of %v, %v", text, got, want, err)
	}
	if _, err := countable(got); err != nil {
		t.Fatal(err)
	}
}
