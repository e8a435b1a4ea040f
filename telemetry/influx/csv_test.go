package influx

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzRecord holds the parser to what encoding/csv reads of what encoding/csv
// writes in InfluxDB's manner.
func FuzzRecord(f *testing.F) {
	f.Add("a", "b,c", "d\"e\n\r")
	f.Add("", "", "\n")
	f.Add("\"", "\"\"\n\"", strings.Repeat("x", 70<<10))
	f.Fuzz(func(t *testing.T, x, y, z string) {
		records := [][]string{{x, y, z}, {z, "plain", x}, {"last", x, y}}
		var written bytes.Buffer
		w := csv.NewWriter(&written)
		w.UseCRLF = true
		if err := w.WriteAll(records); err != nil {
			return // not a record that can be written at all
		}
		in := newAnswer(&written)
		for _, record := range records {
			if err := in.read(); err != nil {
				t.Fatal(err)
			}
			for i := range record {
				record[i] = strings.ReplaceAll(record[i], "\r", "") // the writer drops them
			}
			if got := in.texts(); !slices.Equal(got, record) {
				t.Fatalf("got %q, want %q", got, record)
			}
		}
		if err := in.read(); !errors.Is(err, io.EOF) {
			t.Fatalf("at the end: %v", err)
		}
	})
}

// FuzzAnswer wants no input to make the parser panic or go on for ever.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("#datatype,string,long,dateTime:RFC3339,double,string,string\r\n,result,table,_time,_value,_field,g\r\n,_result,0,2025-01-01T00:00:00Z,1,v,1\r\n"))
	f.Add([]byte("#datatype,string,string\r\n,error,reference\r\n,broken,\r\n"))
	f.Add([]byte("#datatype,\"a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := newAnswer(bytes.NewReader(data))
		var c cell
		for range len(data) + 1 {
			if err := in.next(&c); err != nil {
				return
			}
		}
		t.Fatal("more cells than bytes")
	})
}

func TestParseTime(t *testing.T) {
	for _, at := range []int64{0, 1, -1, 1e9, 1_750_000_000_123_456_789, minTime, maxTime, 951_782_400e9, 951_868_800e9 - 1,
		1_709_164_800e9, -2_203_891_200e9, 4_107_542_400e9, 1_735_689_599_999_999_999} {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000000000Z07:00"} {
			text := time.Unix(0, at).UTC().Format(layout)
			got, err := parseTime([]byte(text))
			if err != nil || got != at {
				t.Errorf("%s: got %d, %v; want %d", text, got, err, at)
			}
		}
	}
	for day := range int64(200 * 366) { // every day from 1900 on
		at := (day - 70*366) * int64(24*time.Hour)
		if got, err := parseTime([]byte(formatTime(at))); err != nil || got != at {
			t.Fatalf("%s: got %d, %v", formatTime(at), got, err)
		}
	}
	for _, bad := range []string{"", "Z", "2025-01-01T00:00:00", "2025-01-01T00:00:00+01:00", "2025-13-01T00:00:00Z", "2025-01-0xT00:00:00Z", "2025-01-01T00:00:00.xZ"} {
		if _, err := parseTime([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a time", bad)
		}
	}
}
