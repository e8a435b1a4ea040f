package archivetest

import (
	"testing"

	"cityhub/geo"
	"cityhub/telemetry"
)

func latestOfFields(t *testing.T, a telemetry.Archive) {
	old := lineOf(1, start, number("pm25", 1), number("battery", 80), number("noise", 5))
	old.ID, old.Quality, old.Received = 64, telemetry.Late, start+40*Minute
	old.Fields[1].Quality = telemetry.OutOfRange
	old.Position = &geo.Position{Lon: 1, Lat: 2}
	middle := lineOf(1, start+Minute, number("pm25", 2), number("noise", 6))
	middle.ID, middle.Quality = 128, telemetry.Maintenance
	newest := lineOf(1, start+2*Minute, number("pm25", 3))
	newest.ID = 192
	newest.Position = &geo.Position{Lon: 3, Lat: 4}
	far := lineOf(2, start-30*24*60*Minute, text("state", "shut"))
	far.ID = 256
	write(t, a, telemetry.Raw, old, middle, newest, far)
	write(t, a, telemetry.Hourly, lineOf(1, start+60*Minute, number("pm25", 99)))

	battery, noise := old, middle
	battery.Fields = old.Fields[1:2]
	noise.Fields = middle.Fields[1:]
	same(t, readLatest(t, a, 0), []telemetry.Line{battery, noise, newest, far})
}

func latestSince(t *testing.T, a telemetry.Archive) {
	lines := []telemetry.Line{
		lineOf(1, start, number("pm25", 1), number("noise", 5)), lineOf(1, start+Minute, number("pm25", 2)),
		lineOf(2, start-1, number("pm25", 3)), lineOf(3, start+Minute, number("pm25", 4))}
	write(t, a, telemetry.Raw, lines...)
	same(t, readLatest(t, a, start+1), []telemetry.Line{lines[1], lines[3]})
	same(t, readLatest(t, a, start), []telemetry.Line{lineOf(1, start, number("noise", 5)), lines[1], lines[3]})
	same(t, readLatest(t, a, start+2*Minute), nil)
}

func latestAfterLate(t *testing.T, a telemetry.Archive) {
	newest := lineOf(1, start+Minute, number("pm25", 2))
	newest.ID = 10
	write(t, a, telemetry.Raw, newest)
	late := lineOf(1, start, number("pm25", 1), number("noise", 1))
	late.ID = 20
	write(t, a, telemetry.Raw, late)
	noise := late
	noise.Fields = late.Fields[1:]
	same(t, readLatest(t, a, 0), []telemetry.Line{noise, newest})

	again := lineOf(1, start+Minute, number("pm25", 7))
	again.Fields[0].Quality = telemetry.Corrected
	write(t, a, telemetry.Raw, again)
	again.ID = 10
	same(t, readLatest(t, a, 0), []telemetry.Line{noise, again})

	// One more field of an instant of which nothing was the latest any more.
	write(t, a, telemetry.Raw, lineOf(1, start+2*Minute, number("pm25", 8), number("noise", 8)))
	write(t, a, telemetry.Raw, lineOf(1, start, number("level", 3)))
	level := lineOf(1, start, number("level", 3))
	level.ID = 20
	same(t, readLatest(t, a, 0), []telemetry.Line{level, lineOf(1, start+2*Minute, number("pm25", 8), number("noise", 8))})
}

func deletesRange(t *testing.T, a telemetry.Archive) {
	var lines []telemetry.Line
	for _, group := range []int64{1, 11} {
		for i := range int64(10) {
			l := lineOf(group, start+i*24*60*Minute, number("v", float64(i)), text("s", "x"))
			l.ID = 1 + i
			lines = append(lines, l)
		}
	}
	write(t, a, telemetry.Raw, lines...)
	write(t, a, telemetry.Hourly, lines[3])
	if err := a.Delete(t.Context(), telemetry.Raw, 1, lines[2].Time, lines[8].Time); err != nil {
		t.Fatal(err)
	}
	same(t, readAll(t, a), append(append(append([]telemetry.Line{}, lines[:2]...), lines[8:10]...), lines[10:]...))
	same(t, read(t, a, telemetry.Query{Bucket: telemetry.Hourly, From: start, To: latest}), lines[3:4])
	if err := a.Delete(t.Context(), telemetry.Raw, 1, start, start); err != nil {
		t.Fatalf("an empty range: %v", err)
	}
	// What is deleted can be written again, with fewer fields.
	back := lineOf(1, lines[2].Time, number("v", 2))
	write(t, a, telemetry.Raw, back)
	same(t, read(t, a, telemetry.Query{Groups: []int64{1}, From: lines[2].Time, To: lines[3].Time}), []telemetry.Line{back})
	if err := a.Delete(t.Context(), telemetry.Raw, 1, -1<<63, 1<<63-1); err != nil {
		t.Fatal(err)
	}
	same(t, readAll(t, a), lines[10:])
}

func latestAfterDelete(t *testing.T, a telemetry.Archive) {
	lines := []telemetry.Line{
		lineOf(1, start, number("pm25", 1), number("noise", 1)), lineOf(1, start+Minute, number("pm25", 2)),
		lineOf(1, start+2*Minute, number("pm25", 3)), lineOf(2, start, number("pm25", 4))}
	write(t, a, telemetry.Raw, lines...)
	if err := a.Delete(t.Context(), telemetry.Raw, 1, start+2*Minute, start+3*Minute); err != nil {
		t.Fatal(err)
	}
	same(t, readLatest(t, a, 0), []telemetry.Line{lineOf(1, start, number("noise", 1)), lines[1], lines[3]})
	if err := a.Delete(t.Context(), telemetry.Raw, 1, 0, start+3*Minute); err != nil {
		t.Fatal(err)
	}
	same(t, readLatest(t, a, 0), lines[3:])
}
