package payload

import (
	"encoding/json"
	"testing"
	"time"
)

// typical is what a station of four channels sends.
const typical = `{"time":"2026-03-01T07:59:30Z","seq":4711,"values":{"pm25":12.3,"pm10":31,"temperature":21.75,"humidity":64.5}}`

// flood is what each station of the flood sends: its charge is among the values.
const flood = `{"time":"2026-03-01T07:59:30.123456Z","seq":4711,"values":{"pm25":12.3,"pm10":31.4,"temperature":21.7,"humidity":64.5,"battery":87.1}}`

func BenchmarkNative(b *testing.B)      { benchmarkNative(b, typical) }
func BenchmarkNativeFlood(b *testing.B) { benchmarkNative(b, flood) }

func benchmarkNative(b *testing.B, body string) {
	in := Input{Payload: []byte(body), Device: "AQ-17", Received: received}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeNative(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodingJSON is the same message through the standard library, into
// a struct that fits it, for the ratio.
func BenchmarkEncodingJSON(b *testing.B) {
	body := []byte(typical)
	b.SetBytes(int64(len(typical)))
	b.ReportAllocs()
	for b.Loop() {
		var m struct {
			Time   time.Time      `json:"time"`
			Seq    *int64         `json:"seq"`
			Values map[string]any `json:"values"`
		}
		if err := json.Unmarshal(body, &m); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNativeAllocations holds the hot path to the results (the measurements,
// their values) and one copy of the text.
func TestNativeAllocations(t *testing.T) {
	in := Input{Payload: []byte(typical)}
	got := testing.AllocsPerRun(100, func() {
		if _, err := decodeNative(in); err != nil {
			t.Fatal(err)
		}
	})
	if got > 4 {
		t.Errorf("%v allocations a message, at most 2 beyond the 2 of the result", got)
	}
}
