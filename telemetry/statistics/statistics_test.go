package statistics_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/statistics"
)

// put writes lines, all of which the archive must take.
func put(t *testing.T, a telemetry.Archive, bucket telemetry.Bucket, lines ...telemetry.Line) {
	t.Helper()
	if err := a.Write(t.Context(), bucket, lines); err != nil {
		t.Fatal(err)
	}
}

// Two stations move at 10:20: of that day the hours are read instead of the
// day, and of that hour the readings. The day's own roll-up, which is wrong on
// purpose, does not count.
func TestADayOnWhichAStationMovedIsReadPieceByPiece(t *testing.T) {
	a := archiveIn(t)
	h := historyOf(t, a)
	from, moved := day(2026, 2, 1), day(2026, 2, 2).Add(10*time.Hour+20*time.Minute)
	mark(t, h, day(2026, 3, 1))
	var sources []devices.Measured
	for id := range int64(3) {
		s := source(id+1, 0.15, 0.05)
		if id < 2 {
			s.Stands = []devices.Stand{{From: -1 << 63, Position: geo.Position{Lon: 0.05, Lat: 0.05}}, {From: moved.UnixNano(), Position: *s.Station.Position}}
		}
		sources = append(sources, s)
		put(t, a, telemetry.Daily, rolled(id+1, day(2026, 2, 1).UnixNano(), 2, 10), rolled(id+1, day(2026, 2, 2).UnixNano(), 1, 1_000), rolled(id+1, day(2026, 2, 3).UnixNano(), 3, 60))
		put(t, a, telemetry.Hourly, rolled(id+1, moved.Truncate(time.Hour).UnixNano(), 1, 2_000),
			rolled(id+1, moved.Truncate(time.Hour).Add(-time.Hour).UnixNano(), 1, 1), rolled(id+1, moved.Truncate(time.Hour).Add(time.Hour).UnixNano(), 1, 4))
		put(t, a, telemetry.Raw, line(id+1, moved.UnixNano()-1, "pm25", 2), line(id+1, moved.UnixNano(), "pm25", 3))
	}
	cells, err := statistics.Zones(t.Context(), h, &statistics.ZoneQuery{
		Span:    statistics.Span{Property: "pm25", Sources: sources, From: from.UnixNano(), To: day(2026, 2, 4).UnixNano()},
		Windows: []telemetry.Window{{From: from, To: day(2026, 2, 4)}}, Finest: telemetry.Daily, Need: telemetry.NeedSum,
		Kind: "ward", Zones: []int64{1, 2}, Shapes: geo.NewShapes().With(square(1, 0, 0)).With(square(2, 0.1, 0)), Day: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The west has two stations' first day (10), hour before (1) and reading
	// before (2); the east their reading after (3), hour after (4) and third
	// day (60), and all of the station that did not move.
	west, east := cells[0][0], cells[1][0]
	if west.Count != 2*(2+1+1) || west.Sum != 2*(10+1+2) || west.Stations != 2 {
		t.Errorf("west: %d readings, %g, %d stations", west.Count, west.Sum, west.Stations)
	}
	if east.Count != 2*(1+1+3)+6 || east.Sum != 2*(3+4+60)+1_070 || east.Stations != 3 {
		t.Errorf("east: %d readings, %g, %d stations", east.Count, east.Sum, east.Stations)
	}
}

// Where roll-ups alone are read, an hour without one place, the hour that is
// not rolled up yet, and vehicles do not count, however much lies there.
func TestRollUpsAlone(t *testing.T) {
	a := archiveIn(t)
	h := historyOf(t, a)
	from, moved, end := day(2026, 2, 1), day(2026, 2, 1).Add(10*time.Hour+20*time.Minute), day(2026, 2, 1).Add(13*time.Hour)
	mark(t, h, day(2026, 2, 1).Add(12*time.Hour))
	still, mover, bus := source(1, 0.05, 0.05), source(2, 0.15, 0.05), source(3, 0.05, 0.05)
	mover.Stands = []devices.Stand{{From: -1 << 63, Position: geo.Position{Lon: 0.05, Lat: 0.05}}, {From: moved.UnixNano(), Position: *mover.Station.Position}}
	bus.Station.Mobile, bus.Tracked = true, []int64{3}
	for hour := range 12 {
		for group := range int64(3) {
			put(t, a, telemetry.Hourly, rolled(group+1, from.Add(time.Duration(hour)*time.Hour).UnixNano(), 1, 1))
		}
	}
	for group := range int64(3) {
		l := line(group+1, moved.UnixNano(), "pm25", 1)
		l.Position = &geo.Position{Lon: 0.05, Lat: 0.05}
		put(t, a, telemetry.Raw, l, line(group+1, end.UnixNano()-1, "pm25", 1))
	}
	for _, c := range []struct {
		only       bool
		west, east int64
	}{{true, 12 + 10, 1}, {false, 12 + 1 + 10 + 1, 1 + 1 + 1}} {
		cells, err := statistics.Zones(t.Context(), h, &statistics.ZoneQuery{
			Span:    statistics.Span{Property: "pm25", Sources: []devices.Measured{still, mover, bus}, From: from.UnixNano(), To: end.UnixNano(), RollUps: c.only},
			Windows: []telemetry.Window{{From: from, To: end}}, Finest: telemetry.Daily, Need: telemetry.NeedSum,
			Kind: "ward", Zones: []int64{1, 2}, Shapes: geo.NewShapes().With(square(1, 0, 0)).With(square(2, 0.1, 0)), Day: 1})
		if err != nil {
			t.Fatal(err)
		}
		if west, east := cells[0][0].Count, cells[1][0].Count; west != c.west || east != c.east {
			t.Errorf("roll-ups alone %t: %d readings in the west, %d in the east, want %d and %d", c.only, west, east, c.west, c.east)
		}
	}
}

// A span is read from the coarsest roll-ups that it does not cut.
func TestASpanIsCoveredByDaysThenHoursThenReadings(t *testing.T) {
	h := historyOf(t, archiveIn(t))
	mark(t, h, day(2026, 2, 5).Add(7*time.Hour))
	hour := func(d, hours int) int64 { return day(2026, 2, d).Add(time.Duration(hours) * time.Hour).UnixNano() }
	for _, c := range []struct {
		coarsest telemetry.Bucket
		from, to int64
		want     string
	}{
		{telemetry.Daily, hour(1, 0), hour(3, 0), "daily 48"},
		{telemetry.Daily, hour(1, 5), hour(3, 2), "hourly 19 daily 24 hourly 2"},
		{telemetry.Daily, hour(1, 5), hour(1, 23), "hourly 18"},
		{telemetry.Daily, hour(1, 5), hour(2, 2), "hourly 21"},
		{telemetry.Daily, hour(4, 0), hour(6, 0), "daily 24 hourly 7 raw 17"},
		{telemetry.Daily, hour(6, 0), hour(7, 0), "raw 24"},
		{telemetry.Hourly, hour(1, 0), hour(3, 0), "hourly 48"},
		{telemetry.Hourly, hour(5, 6), hour(5, 9), "hourly 1 raw 2"},
		{telemetry.Raw, hour(1, 0), hour(2, 0), "raw 24"},
	} {
		cover, err := h.Cover(t.Context(), c.coarsest, c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		at := c.from
		for _, part := range cover {
			if part.From != at {
				t.Errorf("%s: a part begins at %d, not %d", c.want, part.From, at)
			}
			at = part.To
			got = append(got, fmt.Sprintf("%s %d", part.Bucket, (part.To-part.From)/3600e9))
		}
		if strings.Join(got, " ") != c.want || at != c.to {
			t.Errorf("got %v, want %s", got, c.want)
		}
	}
}

func TestTooMuchIsRefusedBeforeItIsRead(t *testing.T) {
	h := historyOf(t, archiveIn(t))
	mark(t, h, day(2026, 3, 1))
	sources := make([]devices.Measured, 8_000)
	for i := range sources {
		sources[i] = source(int64(i+1), 0, 0)
	}
	q := &statistics.FrameQuery{Span: statistics.Span{Property: "pm25", Sources: sources, From: day(2026, 2, 1).UnixNano(), To: day(2026, 3, 1).UnixNano()},
		Coarsest: telemetry.Hourly, Function: statistics.Mean}
	q.Starts, q.To = statistics.Starts(h, int64(24*time.Hour), q.From, q.To)
	if _, _, err := statistics.Frames(t.Context(), h, q); !errors.Is(err, statistics.ErrTooMuch) {
		t.Errorf("8,000 stations × 672 hours: %v", err)
	}
	q.Coarsest = telemetry.Daily
	if _, _, err := statistics.Frames(t.Context(), h, q); err != nil {
		t.Errorf("8,000 stations × 28 days: %v", err)
	}
}

// Where clocks are put forward and back, days have 23 and 25 hours.
func TestFramesBeginWithTheDaysOfTheCity(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		zone     *time.Location
		step     time.Duration
		from, to string
		want     string
	}{
		{hanoi, 10 * time.Minute, "2026-02-01 08:05", "2026-02-01 08:21", "01T08:00 01T08:10 01T08:20 | 01T08:30"},
		{hanoi, time.Hour, "2026-02-01 08:00", "2026-02-01 10:00", "01T08:00 01T09:00 | 01T10:00"},
		{hanoi, 6 * time.Hour, "2026-02-01 05:59", "2026-02-01 12:01", "01T00:00 01T06:00 01T12:00 | 01T18:00"},
		{hanoi, 24 * time.Hour, "2026-02-01 12:00", "2026-02-03 00:00", "01T00:00 02T00:00 | 03T00:00"},
		{berlin, 6 * time.Hour, "2026-03-29 00:00", "2026-03-30 01:00", "29T00:00 29T07:00 29T13:00 29T19:00 30T00:00 | 30T06:00"},
		{berlin, 24 * time.Hour, "2026-10-25 00:00", "2026-10-26 00:00", "25T00:00 | 26T00:00"},
	} {
		h := &telemetry.History{Zone: c.zone}
		at := func(text string) int64 {
			t.Helper()
			instant, err := time.ParseInLocation("2006-01-02 15:04", text, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			return instant.UnixNano()
		}
		show := func(instant int64) string { return time.Unix(0, instant).In(c.zone).Format("02T15:04 ") }
		starts, end := statistics.Starts(h, int64(c.step), at(c.from), at(c.to))
		got := ""
		for _, s := range starts {
			got += show(s)
		}
		if got += "| " + strings.TrimSpace(show(end)); got != c.want {
			t.Errorf("%s every %s: got %s, want %s", c.from, c.step, got, c.want)
		}
	}
}

// Its positions come by a device of its own.
func TestAReadingOfAMobileThingCountsWhereTheThingWasLast(t *testing.T) {
	a := archiveIn(t)
	h := historyOf(t, a)
	mark(t, h, day(2026, 3, 1))
	bus := source(1, 0, 0)
	bus.Station.Mobile, bus.Station.Position, bus.Tracked = true, nil, []int64{2, 1}
	minute := func(n int) int64 { return day(2026, 2, 1).UnixNano() + int64(n)*60e9 }
	place := func(group int64, at int, lon float64, flags telemetry.Quality, fields ...telemetry.Field) telemetry.Line {
		return telemetry.Line{Group: group, Time: minute(at), Position: &geo.Position{Lon: lon, Lat: 0.05}, Quality: flags, Fields: fields}
	}
	put(t, a, telemetry.Raw,
		place(2, -1, 0.05, 0), line(1, minute(0), "pm25", 1), // in the west, told before the span
		place(2, 8, 0.15, 0), line(1, minute(9), "pm25", 10), // in the east
		line(1, minute(15), "pm25", 100),                                                                   // seven minutes later: nowhere
		place(2, 18, 0.05, 0), place(2, 19, 0.15, telemetry.Misplaced), line(1, minute(20), "pm25", 1_000), // in the west still
		place(1, 30, 0.15, 0, telemetry.Field{Property: "pm25", Value: telemetry.NumberOf(10_000)}), // tells by itself
	)
	put(t, a, telemetry.Daily, rolled(1, minute(0), 5, 99)) // tells nothing of places
	cells, err := statistics.Zones(t.Context(), h, &statistics.ZoneQuery{
		Span:    statistics.Span{Property: "pm25", Sources: []devices.Measured{bus}, From: minute(0), To: minute(24 * 60)},
		Windows: []telemetry.Window{{From: day(2026, 2, 1), To: day(2026, 2, 2)}}, Finest: telemetry.Daily, Need: telemetry.NeedSum,
		Kind: "ward", Zones: []int64{1, 2}, Shapes: geo.NewShapes().With(square(1, 0, 0)).With(square(2, 0.1, 0)), Day: 1})
	if err != nil {
		t.Fatal(err)
	}
	if west, east := cells[0][0], cells[1][0]; west.Sum != 1_001 || west.Stations != 1 || east.Sum != 10_010 || east.Stations != 1 {
		t.Errorf("west %g of %d, east %g of %d; want 1001 and 10010 of 1", west.Sum, west.Stations, east.Sum, east.Stations)
	}
}
