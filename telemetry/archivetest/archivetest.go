// Package archivetest says, as one suite of tests, what every telemetry.Archive
// promises. Each implementation runs it against its real store.
package archivetest

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"cityhub/telemetry"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Minute is one minute in the archive's unit of time.
const Minute = int64(60_000_000_000)

// start is a full hour some time in the past, in no relation to the clock of
// the test machine.
const start = int64(1_750_000_000_000_000_000) / (60 * Minute) * (60 * Minute)

// earliest and latest bound the instants that every archive must keep: those
// that InfluxDB has.
const (
	earliest = int64(-1<<63) + 2
	latest   = int64(1<<63-1) - 1
)

// Run runs the suite. Every test calls open for an empty archive that keeps
// for ever; open registers its own cleaning up.
func Run(t *testing.T, open func(t *testing.T) telemetry.Archive) {
	cases := []struct {
		name string
		test func(t *testing.T, a telemetry.Archive)
	}{
		{"keeps every kind of value", keepsValues},
		{"keeps floats exactly", keepsFloats},
		{"keeps text as it is", keepsText},
		{"keeps id, quality, receipt and position", keepsCircumstances},
		{"keeps any property code", keepsPropertyCodes},
		{"merges a line written again", mergesFields},
		{"takes the last of equal lines in a batch", lastInBatchWins},
		{"answers group by group in order of time", ordersLines},
		{"takes ranges half-open", halfOpen},
		{"keeps instants to the nanosecond", nanoseconds},
		{"keeps the extremes of time", extremesOfTime},
		{"filters by property", filtersProperties},
		{"limits lines per group", limits},
		{"selects groups", selectsGroups},
		{"reads places", readsPlaces},
		{"reads many groups", manyGroups},
		{"stops at the callee's error", stopsAtError},
		{"keeps buckets apart", bucketsApart},
		{"keeps roll-ups", keepsRollUps},
		{"tells the latest of every field", latestOfFields},
		{"tells the latest since a time", latestSince},
		{"tells the latest after late and repeated lines", latestAfterLate},
		{"deletes a range of a group", deletesRange},
		{"forgets the latest that was deleted", latestAfterDelete},
		{"keeps a batch of 5,000 lines", bigBatch},
		{"answers nothing when empty", emptyArchive},
		{"refuses what is no number", refusesNaN},
		{"refuses nameless and empty lines", refusesMalformed},
		{"gives up with the context", cancelled},
		{"serves many at once", concurrent},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func write(t *testing.T, a telemetry.Archive, bucket telemetry.Bucket, lines ...telemetry.Line) {
	t.Helper()
	if err := a.Write(t.Context(), bucket, lines); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func read(t *testing.T, a telemetry.Archive, q telemetry.Query) []telemetry.Line {
	t.Helper()
	var got []telemetry.Line
	err := a.Read(t.Context(), q, func(l *telemetry.Line) error {
		got = append(got, clone(l))
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return got
}

func readAll(t *testing.T, a telemetry.Archive) []telemetry.Line {
	t.Helper()
	return read(t, a, telemetry.Query{From: earliest, To: latest})
}

func readLatest(t *testing.T, a telemetry.Archive, since int64) []telemetry.Line {
	t.Helper()
	var got []telemetry.Line
	err := a.Latest(t.Context(), since, func(l *telemetry.Line) error {
		got = append(got, clone(l))
		return nil
	})
	if err != nil {
		t.Fatalf("latest: %v", err)
	}
	return got
}

// clone keeps a line beyond the call it was lent for.
func clone(l *telemetry.Line) telemetry.Line {
	c := *l
	c.Fields = slices.Clone(l.Fields)
	if l.Position != nil {
		p := *l.Position
		c.Position = &p
	}
	return c
}

// same fails the test unless both hold the same lines; the order of groups
// and of fields within a line is nobody's promise.
func same(t *testing.T, got, want []telemetry.Line) {
	t.Helper()
	if diff := gocmp.Diff(canonical(want), canonical(got), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("lines differ (-want +got):\n%s", diff)
	}
}

func canonical(lines []telemetry.Line) []telemetry.Line {
	out := make([]telemetry.Line, 0, len(lines))
	for i := range lines {
		l := clone(&lines[i])
		for j := range l.Fields {
			l.Fields[j].Slot = 0
		}
		slices.SortFunc(l.Fields, func(a, b telemetry.Field) int { return cmp.Compare(a.Property, b.Property) })
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b telemetry.Line) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Time, b.Time))
	})
	return out
}

func number(property string, v float64) telemetry.Field {
	return telemetry.Field{Property: property, Value: telemetry.NumberOf(v)}
}

func text(property, v string) telemetry.Field {
	return telemetry.Field{Property: property, Value: telemetry.TextOf(v)}
}

func lineOf(group, at int64, fields ...telemetry.Field) telemetry.Line {
	return telemetry.Line{Group: group, Time: at, Fields: fields}
}

func shuffled(lines []telemetry.Line) []telemetry.Line {
	out := slices.Clone(lines)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// refusedForGood fails the test unless err is the archive's final refusal.
func refusedForGood(t *testing.T, err error) {
	t.Helper()
	var refusal *telemetry.ArchiveError
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want an ArchiveError", err)
	}
	if refusal.Retryable {
		t.Fatalf("got a retryable %v, want a refusal for good", err)
	}
}

// gaveUp fails the test unless err is the context's own.
func gaveUp(t *testing.T, what string, err error) {
	t.Helper()
	var failure *telemetry.ArchiveError
	if !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
		t.Errorf("%s with a cancelled context: got %v, want context.Canceled", what, err)
	}
}
