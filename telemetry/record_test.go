package telemetry

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/geo"
)

func exampleLines() []Line {
	return []Line{
		{Group: 7, Time: 1_700_000_000_000_000_001, Received: 1_700_000_000_500_000_000, ID: 42,
			Fields: []Field{{Property: "pm25", Slot: 0, Value: NumberOf(12.5)}, {Property: "door", Slot: 3, Value: BooleanOf(true)}}},
		{Group: math.MaxInt64, Time: -5, Received: 5, ID: 1<<53 - 64, Quality: Late | ClockCorrected,
			Position: &geo.Position{Lon: 105.85, Lat: 21.02, Alt: -3},
			Fields:   []Field{{Property: "state", Slot: 63, Value: TextOf("mở \"cửa\"\n"), Quality: OutOfRange}}},
		{Group: 7, Time: 1_700_000_000_000_000_002, Fields: []Field{{Property: "pm25", Value: NumberOf(math.Copysign(0, -1))}}},
	}
}

func exampleItems() []Quarantined {
	return []Quarantined{{Received: time.Unix(0, 1_700_000_000_000_000_003).UTC(), Route: "native", Topic: "cityhub/v1/x/telemetry",
		Sender: "x", Device: "x", Payload: []byte{0, 0xff, '{'}, Reason: Undecodable, Detail: "byte 0"}}
}

func TestRecordRoundTrip(t *testing.T) {
	for name, c := range map[string]struct {
		lines []Line
		items []Quarantined
	}{
		"both":        {exampleLines(), exampleItems()},
		"lines alone": {exampleLines(), []Quarantined{}},
		"items alone": {[]Line{}, exampleItems()},
	} {
		t.Run(name, func(t *testing.T) {
			lines, items, err := readRecord(appendRecord(nil, c.lines, c.items))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("lines differ: %s", diff)
			}
			if diff := cmp.Diff(c.items, items); diff != "" {
				t.Errorf("items differ: %s", diff)
			}
		})
	}
}

// What a spool holds must be read by every later program: the file is never
// written anew; a new version gets a file of its own.
func TestRecordsOfVersion1AreReadForEver(t *testing.T) {
	record, err := os.ReadFile("testdata/record-v1.bin")
	if err != nil {
		t.Fatal(err)
	}
	lines, items, err := readRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exampleLines(), lines) + cmp.Diff(exampleItems(), items); diff != "" {
		t.Error(diff)
	}
}

func TestRecordOfAnotherVersionIsRefused(t *testing.T) {
	record := appendRecord(nil, exampleLines(), nil)
	record[0]++
	if _, _, err := readRecord(record); err == nil {
		t.Fatal("a record of version 2 was read as version 1")
	}
}

func TestCutRecordIsRefused(t *testing.T) {
	record := appendRecord(nil, exampleLines(), exampleItems())
	for n := range record {
		if _, _, err := readRecord(record[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were read as a record", n, len(record))
		}
	}
}

// FuzzReadRecord: whatever the bytes, reading ends without a panic, and what
// was read can be written and read again.
func FuzzReadRecord(f *testing.F) {
	f.Add(appendRecord(nil, exampleLines(), exampleItems()))
	f.Add(appendRecord(nil, nil, nil))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, items, err := readRecord(data)
		if err != nil {
			return
		}
		again, more, err := readRecord(appendRecord(nil, lines, items))
		if err != nil || len(again) != len(lines) || len(more) != len(items) {
			t.Fatalf("%d lines and %d items became %d and %d: %v", len(lines), len(items), len(again), len(more), err)
		}
	})
}

// Memory that had other lines before shows nothing of them, and what a batch
// gathers from several records stays as it was read.
func TestRecordsIntoUsedMemory(t *testing.T) {
	full, want := appendRecord(nil, exampleLines(), nil), exampleLines()
	bare := appendRecord(nil, []Line{{Group: 1, Time: 1, Fields: []Field{{Property: "pm25", Value: NumberOf(1)}}}}, nil)
	var fields room
	var lines []Line
	for range 3 * pieceFields {
		var err error
		if lines, _, err = readInto(lines, &fields, full); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, lines[len(lines)-len(want):]); diff != "" {
		t.Errorf("the last record: %s", diff)
	}
	if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
		t.Errorf("the first record: %s", diff)
	}
	had := len(fields.pieces)
	fields.reuse()
	lines, _, err := readInto(lines[:0], &fields, bare)
	if err != nil || len(lines) != 1 || len(fields.pieces) != had {
		t.Fatalf("%d lines in %d pieces, which were %d: %v", len(lines), len(fields.pieces), had, err)
	}
	if diff := cmp.Diff(Line{Group: 1, Time: 1, Received: 0, Fields: []Field{{Property: "pm25", Value: NumberOf(1)}}}, lines[0]); diff != "" {
		t.Errorf("of the lines before something is left: %s", diff)
	}
	for _, piece := range fields.pieces {
		for _, f := range piece[1:] {
			if f != (Field{}) {
				t.Fatalf("memory holds on to %v", f)
			}
		}
	}
}
