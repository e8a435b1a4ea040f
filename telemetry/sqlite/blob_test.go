package sqlite

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cityhub/geo"
	"cityhub/telemetry"
)

func anyLine(t *rapid.T) telemetry.Line {
	l := telemetry.Line{
		ID:      rapid.Int64().Draw(t, "id"),
		Quality: telemetry.Quality(rapid.Uint16().Draw(t, "quality")),
	}
	if l.Quality&telemetry.Late != 0 {
		l.Received = rapid.Int64().Draw(t, "received")
	}
	if rapid.Bool().Draw(t, "mobile") {
		l.Position = &geo.Position{Lon: rapid.Float64().Draw(t, "lon"), Lat: rapid.Float64().Draw(t, "lat"), Alt: rapid.Float64().Draw(t, "alt")}
	}
	value := rapid.OneOf(
		rapid.Map(rapid.Float64(), telemetry.NumberOf),
		rapid.Map(rapid.Int32(), func(v int32) telemetry.Value { return telemetry.NumberOf(float64(v)) }),
		rapid.Map(rapid.Bool(), telemetry.BooleanOf),
		rapid.Map(rapid.String(), telemetry.TextOf))
	for range rapid.IntRange(0, 8).Draw(t, "fields") {
		l.Fields = append(l.Fields, telemetry.Field{Property: rapid.String().Draw(t, "property"),
			Value: value.Draw(t, "value"), Quality: telemetry.Quality(rapid.Uint16().Draw(t, "flags"))})
	}
	return l
}

func TestLineComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyLine(t)
		var d decoder
		var got telemetry.Line
		if err := d.decode(appendLine(nil, &want), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Fields) == 0 {
			got.Fields = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestZerosKeepTheirSign(t *testing.T) {
	l := telemetry.Line{Fields: []telemetry.Field{{Property: "v", Value: telemetry.NumberOf(math.Copysign(0, -1))}}}
	var d decoder
	var got telemetry.Line
	if err := d.decode(appendLine(nil, &l), &got); err != nil || !math.Signbit(got.Fields[0].Value.Num) {
		t.Fatalf("got %v, %v", got.Fields, err)
	}
}

// FuzzDecode wants damaged bytes to be an error and never a panic, and good
// ones to be what the encoder makes of their line.
func FuzzDecode(f *testing.F) {
	full := telemetry.Line{ID: 64, Quality: telemetry.Late, Received: 7, Position: &geo.Position{Lon: 1},
		Fields: []telemetry.Field{{Property: "a", Value: telemetry.NumberOf(1.5), Quality: 3}, {Property: "s", Value: telemetry.TextOf("x")},
			{Property: "b", Value: telemetry.BooleanOf(true)}, {Property: "n", Value: telemetry.NumberOf(-3)}}}
	f.Add(appendLine(nil, &full))
	f.Add([]byte{2, 0})
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		var d decoder
		var l, again telemetry.Line
		if d.decode(data, &l) != nil {
			return
		}
		first := appendLine(nil, &l)
		if err := d.decode(first, &again); err != nil {
			t.Fatal(err)
		}
		if second := appendLine(nil, &again); !bytes.Equal(first, second) {
			t.Fatalf("%x becomes %x", first, second)
		}
	})
}

func FuzzNewest(f *testing.F) {
	f.Add(newest{{Time: 5, Fields: []telemetry.Field{{Property: "a", Value: telemetry.NumberOf(1)}}}, {Time: 4}}.append(nil))
	f.Add([]byte{3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var d decoder
		n, err := d.newest(1, data)
		if err != nil {
			return
		}
		first := n.append(nil)
		again, err := d.newest(1, first)
		if err != nil || !bytes.Equal(again.append(nil), first) {
			t.Fatalf("%x becomes %x, %v", first, again.append(nil), err)
		}
	})
}
