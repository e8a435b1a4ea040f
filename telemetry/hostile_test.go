package telemetry_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"cityhub/devices"
	"cityhub/telemetry"
)

// submit is send for an arrival of any form; it fails when no receipt comes.
func (w *way) submit(a telemetry.Arrival) telemetry.Receipt {
	w.t.Helper()
	got := make(chan telemetry.Receipt, 1)
	w.pipeline.Submit(a, func(r telemetry.Receipt) { got <- r })
	select {
	case r := <-got:
		return r
	case <-time.After(20 * time.Second):
		w.t.Fatal("no receipt: the intake stands still")
		return telemetry.Receipt{}
	}
}

func many(n int, m telemetry.Measurement) []telemetry.Measurement {
	list := make([]telemetry.Measurement, n)
	for i := range list {
		list[i] = m
	}
	return list
}

func TestARefusedArrayIsKeptOnceForEachReason(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	list := many(1000, reading("nobody", w.now, -1, "pm25", telemetry.NumberOf(1)))
	list = append(list, reading("a", w.now, -1, "colour", telemetry.NumberOf(1)), reading("a", w.now, -1, "pm25", telemetry.NumberOf(1)))
	r := w.submit(telemetry.Arrival{Route: "test", Topic: "t", Payload: bytes.Repeat([]byte{'x'}, 256<<10), Received: w.now, Measurements: list})
	if r.Err != nil || len(r.Refusals) != len(list) || r.Refusals[len(list)-1] != nil {
		t.Errorf("receipt %v, %d refusals", r.Err, len(r.Refusals))
	}
	totals := w.drained()
	if totals.Quarantined[telemetry.NotRegistered] != 1000 || totals.Quarantined[telemetry.NoChannel] != 1 || totals.Stored != 1 {
		t.Errorf("%+v", totals)
	}
	counts := w.quarantined()
	if counts[telemetry.NotRegistered] != 1 || counts[telemetry.NoChannel] != 1 {
		t.Errorf("the quarantine holds %v", counts)
	}
	items, err := w.database.Quarantine().List(t.Context(), telemetry.QuarantineFilter{Reason: telemetry.NotRegistered})
	if err != nil || len(items) != 1 || !strings.Contains(items[0].Detail, "and 999 more") {
		t.Errorf("%+v, %v", items, err)
	}
}

// Whoever has a device sees what was refused of it whole: a gateway's message
// with another's readings must not be theirs.
func TestAMessageOfSeveralOwnersIsNoOnesAlone(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register()
	for name, owner := range map[string]string{"a": "one", "b": "one", "c": "two"} {
		row := devices.Row{Device: name, Model: "air", Organisation: owner, Station: "st-" + name, From: "2025-07-01T00:00:00Z"}
		if _, err := w.registry.ImportRow(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	colour := func(device string) telemetry.Measurement {
		return reading(device, w.now, -1, "colour", telemetry.NumberOf(1))
	}
	for name, test := range map[string]struct {
		message []telemetry.Measurement
		kept    string
	}{
		"of one owner's two": {[]telemetry.Measurement{colour("a"), colour("b")}, "a"},
		"of two owners":      {[]telemetry.Measurement{colour("a"), colour("c")}, ""},
		"with what is taken": {[]telemetry.Measurement{colour("a"), reading("c", w.now, -1, "pm25", telemetry.NumberOf(1))}, ""},
		"with an unknown":    {[]telemetry.Measurement{colour("a"), reading("nobody", w.now, -1, "pm25", telemetry.NumberOf(1))}, ""},
		"of one alone":       {[]telemetry.Measurement{colour("c")}, "c"},
	} {
		t.Run(name, func(t *testing.T) {
			w.send(test.message...)
			w.drained()
			items, err := w.database.Quarantine().List(t.Context(), telemetry.QuarantineFilter{Newest: true, Reason: telemetry.NoChannel, Limit: 1})
			if err != nil || len(items) != 1 || items[0].Device != test.kept || test.kept == "" && !strings.Contains(items[0].Detail, "of a, ") {
				t.Errorf("%+v, %v", items, err)
			}
		})
	}
}

func TestHostileNamesStaySmallInTheQuarantine(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.send(reading(strings.Repeat("\x00", 100_000), w.now, -1, "pm25", telemetry.NumberOf(1)))
	w.drained()
	items, err := w.database.Quarantine().List(t.Context(), telemetry.QuarantineFilter{})
	if err != nil || len(items) != 1 || len(items[0].Device)+len(items[0].Detail) > 2_000 {
		t.Errorf("%d items, device of %d, detail of %d, %v", len(items), len(items[0].Device), len(items[0].Detail), err)
	}
}

// A batch that would make too large a record goes in several.
func TestACommitIsSplitWhereItsRecordWouldBeTooLarge(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	text := strings.Repeat("long ", 50_000)
	done := make(chan telemetry.Receipt, 100)
	for range 100 { // they take little of what may be pending, as a packed format does
		m := many(3, reading("a", w.now, -1, "state", telemetry.TextOf(text)))
		w.pipeline.Submit(telemetry.Arrival{Route: "test", Topic: "t", Received: w.now, Measurements: m}, func(r telemetry.Receipt) { done <- r })
	}
	for range 100 {
		select {
		case r := <-done:
			if r.Err != nil || r.Refusals != nil {
				t.Fatalf("%+v", r)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the intake stands still")
		}
	}
	if totals := w.drained(); totals.Stored != 1 || totals.Duplicates != 299 {
		t.Errorf("stored %d, duplicates %d", totals.Stored, totals.Duplicates)
	}
}

// Some formats let a message name a key twice; a line has one field of a name.
func TestOfAKeyNamedTwiceTheLastCounts(t *testing.T) {
	w := openWay(t, t.TempDir(), nil)
	w.register("a")
	m := reading("a", w.now, -1, "pm25", telemetry.NumberOf(1))
	m.Values = append(m.Values, m.Values[0])
	m.Values[1].Value = telemetry.NumberOf(2)
	w.send(m)
	w.send(m)
	if totals := w.drained(); totals.Stored != 1 || totals.Duplicates != 1 {
		t.Errorf("%+v", totals)
	}
	if list := w.observations("a", "pm25"); len(list) != 1 || list[0].Value.Num != 2 || list[0].Quality != 0 {
		t.Errorf("%+v", list)
	}
}
