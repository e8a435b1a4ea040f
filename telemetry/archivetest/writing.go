package archivetest

import (
	"context"
	"math"
	"sync"
	"testing"

	"cityhub/geo"
	"cityhub/telemetry"
)

func mergesFields(t *testing.T, a telemetry.Archive) {
	first := lineOf(1, start, number("pm25", 1), number("noise", 2), text("state", "a"))
	first.ID, first.Quality = 100, telemetry.Maintenance
	first.Position = &geo.Position{Lon: 1, Lat: 2}
	first.Fields[1].Quality = telemetry.Stuck
	write(t, a, telemetry.Raw, first, lineOf(1, start+1, number("pm25", 9)))

	second := lineOf(1, start, number("pm25", 3), number("level", 4))
	second.Fields[0].Quality = telemetry.Corrected
	write(t, a, telemetry.Raw, second)
	merged := first
	merged.Fields = []telemetry.Field{second.Fields[0], first.Fields[1], first.Fields[2], second.Fields[1]}
	want := []telemetry.Line{merged, lineOf(1, start+1, number("pm25", 9))}
	same(t, readAll(t, a), want)

	// The same again changes nothing: redelivery is harmless.
	write(t, a, telemetry.Raw, second)
	same(t, readAll(t, a), want)
}

func lastInBatchWins(t *testing.T, a telemetry.Archive) {
	write(t, a, telemetry.Raw,
		lineOf(1, start, number("pm25", 1), number("noise", 7)),
		lineOf(2, start, number("pm25", 5)),
		lineOf(1, start, number("pm25", 2)),
		lineOf(1, start, number("pm25", 3), number("level", 8)))
	same(t, readAll(t, a), []telemetry.Line{
		lineOf(1, start, number("pm25", 3), number("noise", 7), number("level", 8)),
		lineOf(2, start, number("pm25", 5))})
}

func bigBatch(t *testing.T, a telemetry.Archive) {
	var want []telemetry.Line
	for i := range int64(5000) {
		l := lineOf(1+i%250, start+i/250*Minute, number("pm25", float64(i)/10), number("pm10", float64(i)),
			number("noise", 40+float64(i%50)), text("state", "ok"))
		l.ID = 64 * i
		want = append(want, l)
	}
	write(t, a, telemetry.Raw, shuffled(want)...)
	same(t, readAll(t, a), want)
}

func refusesNaN(t *testing.T, a telemetry.Archive) {
	good := []telemetry.Line{lineOf(1, start, number("pm25", 1)), lineOf(2, start, number("pm25", 2))}
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad := lineOf(3, start+int64(i), number("pm25", v))
		refusedForGood(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{good[0], bad, good[1]}))
		refusedForGood(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{bad}))
	}
	bad := lineOf(3, start, number("pm25", 1))
	bad.Position = &geo.Position{Lon: math.NaN(), Lat: 1}
	refusedForGood(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{bad}))
	write(t, a, telemetry.Raw, good...)
	same(t, readAll(t, a), good)
}

func refusesMalformed(t *testing.T, a telemetry.Archive) {
	kindless := number("pm25", 1)
	kindless.Value.Kind = 99
	for _, bad := range []telemetry.Line{
		lineOf(1, start),
		lineOf(1, start, number("", 1)),
		lineOf(1, start, number("hub_id", 1)),
		lineOf(1, start, kindless),
	} {
		refusedForGood(t, a.Write(t.Context(), telemetry.Raw, []telemetry.Line{bad}))
	}
	same(t, readAll(t, a), nil)
}

func cancelled(t *testing.T, a telemetry.Archive) {
	line := lineOf(1, start, number("pm25", 1))
	write(t, a, telemetry.Raw, line)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	none := func(*telemetry.Line) error { return nil }
	gaveUp(t, "write", a.Write(ctx, telemetry.Raw, []telemetry.Line{lineOf(1, start+1, number("pm25", 2))}))
	gaveUp(t, "read", a.Read(ctx, telemetry.Query{From: start, To: start + 1}, none))
	gaveUp(t, "latest", a.Latest(ctx, start, none))
	gaveUp(t, "delete", a.Delete(ctx, telemetry.Raw, 1, start, start+1))
	same(t, read(t, a, telemetry.Query{From: start, To: start + 1}), []telemetry.Line{line})

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	err := a.Read(ctx, telemetry.Query{From: start, To: start + 1}, func(*telemetry.Line) error {
		cancel()
		return ctx.Err()
	})
	gaveUp(t, "read while cancelling", err)
}

// concurrent lets writers of neighbouring lines and of the very same line run
// beside readers that themselves write.
func concurrent(t *testing.T, a telemetry.Archive) {
	var group sync.WaitGroup
	for w := range int64(4) {
		group.Go(func() {
			for i := range int64(10) {
				shared := lineOf(100, start+i, number([]string{"a", "b", "c", "d"}[w], float64(i)))
				if err := a.Write(t.Context(), telemetry.Raw, []telemetry.Line{lineOf(w, start+i, number("v", 1)), shared}); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
		group.Go(func() {
			err := a.Read(t.Context(), telemetry.Query{From: start, To: start + 10}, func(l *telemetry.Line) error {
				return a.Write(t.Context(), telemetry.Hourly, []telemetry.Line{lineOf(l.Group, l.Time, number("n", 1))})
			})
			if err != nil {
				t.Errorf("reader %d: %v", w, err)
			}
			if err := a.Latest(t.Context(), start, func(*telemetry.Line) error { return nil }); err != nil {
				t.Errorf("latest %d: %v", w, err)
			}
		})
	}
	group.Wait()
	var want []telemetry.Line
	for i := range int64(10) {
		v := float64(i)
		want = append(want, lineOf(100, start+i, number("a", v), number("b", v), number("c", v), number("d", v)))
		for w := range int64(4) {
			want = append(want, lineOf(w, start+i, number("v", 1)))
		}
	}
	same(t, readAll(t, a), want)
}
