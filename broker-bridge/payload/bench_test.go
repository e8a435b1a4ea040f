package payload

import (
	"encoding/json"
	"math"
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
	for _, body := range []string{typical, flood} {
		in := Input{Payload: []byte(body)}
		got := testing.AllocsPerRun(100, func() {
			if _, err := decodeNative(in); err != nil {
				t.Fatal(err)
			}
		})
		if got > 3 {
			t.Errorf("%v allocations for %s, at most 1 beyond the 2 of the result", got, body)
		}
	}
}

// TestShared holds places that messages share to what each of them said.
func TestShared(t *testing.T) {
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, 87.1, 87.15, 100, -91, -7.5, 149.9, 150, -150, 150.1, -150.1, 1e300, -1e300} {
		if got := *shared(v); math.Float64bits(got) != math.Float64bits(v) {
			t.Errorf("%v instead of %v", got, v)
		}
	}
	if shared(87.1) != shared(871./10) || shared(-91) != shared(-91) {
		t.Error("a charge and a signal of one decimal take memory for each message")
	}
}
