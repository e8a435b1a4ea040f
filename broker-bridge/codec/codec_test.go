package codec

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"cityhub/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newRunner makes a runner that is patient unless the test says otherwise: the
// race detector slows the engine down twentyfold.
func newRunner(t testing.TB, limits Limits) *Runner {
	t.Helper()
	if limits.Time == 0 {
		limits.Time = 5 * time.Second
	}
	r := New(limits)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

var frame = Uplink{Bytes: []byte{0x01, 0x67, 0x00, 0xeb, 0xff}, FPort: 10,
	RecvTime: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Variables: map[string]string{"offset": "2"}}

// values shows a result as JSON-like Go values.
func values(r Result) map[string]any {
	out := map[string]any{}
	for _, v := range r.Values {
		switch v.Value.Kind {
		case telemetry.Number:
			out[v.Key] = v.Value.Num
		case telemetry.Boolean:
			out[v.Key] = v.Value.Num != 0
		default:
			out[v.Key] = v.Value.Text
		}
	}
	return out
}

func TestShapes(t *testing.T) {
	r := newRunner(t, Limits{})
	for name, test := range map[string]struct {
		source string
		want   map[string]any
	}{
		"TS013": {`function decodeUplink(input) { return {data: {t: (input.bytes[2] << 8 | input.bytes[3]) / 10, port: input.fPort, last: input.bytes.length}}; }`,
			map[string]any{"t": 23.5, "port": 10.0, "last": 5.0}},
		"const":                {`const decodeUplink = ({bytes}) => ({data: {b: bytes[0]}})`, map[string]any{"b": 1.0}},
		"recvTime":             {`function decodeUplink(i) { return {data: {at: i.recvTime.toISOString()}} }`, map[string]any{"at": "2026-03-01T08:00:00.000Z"}},
		"variables":            {`function decodeUplink(i) { return {data: {o: Number(i.variables.offset)}} }`, map[string]any{"o": 2.0}},
		"object of ChirpStack": {`function decodeUplink() { return {object: {a: {b: 1}}} }`, map[string]any{"a.b": 1.0}},
		"module.exports":       {`module.exports = { decodeUplink: function () { return {data: {a: 1}} } }`, map[string]any{"a": 1.0}},
		"exports":              {`exports.decodeUplink = function () { return {data: {a: 1}} }`, map[string]any{"a": 1.0}},
		"Decoder":              {`function Decoder(bytes, port) { return {n: bytes.length, port: port} }`, map[string]any{"n": 5.0, "port": 10.0}},
		"Decode":               {`function Decode(fPort, bytes, variables) { return {p: fPort, n: bytes.length, o: variables.offset} }`, map[string]any{"p": 10.0, "n": 5.0, "o": "2"}},
		"nested, arrays, kinds": {`function decodeUplink() { console.log("hi"); return {data: {a: [1, {b: true}], s: "x", n: null, f: function () {}, big: 12n, z: -0}} }`,
			map[string]any{"a.0": 1.0, "a.1.b": true, "s": "x", "big": 12.0, "z": 0.0}},
		"implicit globals": {`function decodeUplink(i) { decoded = {}; decoded.a = 1; return {data: decoded} }`, map[string]any{"a": 1.0}},
		"prototypes extended": {`String.prototype.twice = function () { return this + this }; Array.prototype.first = function () { return this[0] };
			function decodeUplink(i) { return {data: {a: "x".twice(), b: i.bytes.first()}} }`, map[string]any{"a": "xx", "b": 1.0}},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // compiled, then from the worker's cache
				got, err := r.Decode(t.Context(), test.source, frame)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, values(got)); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

func TestWarningsTimeUnknown(t *testing.T) {
	r := newRunner(t, Limits{})
	got, err := r.Decode(t.Context(), `function decodeUplink() {
		return {data: {a: 1, none: null}, errors: [], warnings: ["low battery"], time: "2026-03-01T07:00:00Z"} }`, frame)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Warnings) != 1 || got.Warnings[0] != "low battery" || got.Unknown != 1 ||
		!got.Time.Equal(time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
}

func TestBuffer(t *testing.T) {
	r := newRunner(t, Limits{})
	source := `const {Buffer: B} = require("buffer");
	function decodeUplink(input) {
		const b = Buffer.from(input.bytes), f = Buffer.alloc(12);
		f.writeFloatLE(1.5, 0); f.writeDoubleBE(-2.25, 4);
		return {data: {
			u8: b.readUInt8(0), i8: b.readInt8(4), u16be: b.readUInt16BE(2), u16le: b.readUint16LE(2), i16: b.slice(3).readInt16BE(0),
			u32: b.readUInt32BE(1), i32: b.readInt32LE(1), u24: b.readUIntBE(1, 3), i24: Buffer.from("ffff85", "hex").readIntBE(0, 3),
			float: f.readFloatLE(0), double: f.readDoubleBE(4), hex: b.toString("hex"), base64: b.toString("base64"),
			text: Buffer.from("bụi €😀").toString(), back: Buffer.from("AWcA6/8=", "base64").equals(b), ascii: Buffer.from([65, 66]).toString("ascii"),
			same: B === Buffer, is: Buffer.isBuffer(b), cat: Buffer.concat([b, b]).length, len: Buffer.byteLength("é"),
		}};
	}`
	got, err := r.Decode(t.Context(), source, frame)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"u8": 1.0, "i8": -1.0, "u16be": 235.0, "u16le": 60160.0, "i16": -5121.0, "u32": float64(0x6700ebff),
		"i32": float64(-1376153), "u24": float64(0x6700eb), "i24": -123.0, "float": 1.5, "double": -2.25, "hex": "016700ebff",
		"base64": "AWcA6/8=", "text": "bụi €😀", "back": true, "ascii": "AB", "same": true, "is": true, "cat": 10.0, "len": 2.0}
	if diff := cmp.Diff(want, values(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	r := newRunner(t, Limits{})
	for name, test := range map[string]struct {
		source string
		reason telemetry.Reason
		detail string
	}{
		"NaN":                {`function decodeUplink() { return {data: {air: {t: 0/0}}} }`, telemetry.NotANumber, `"air.t"`},
		"infinity":           {`function Decoder() { return {t: 1/0} }`, telemetry.NotANumber, `"t"`},
		"errors":             {`function decodeUplink() { return {errors: ["frame too short", {code: 3}]} }`, telemetry.CodecFailed, `frame too short; {"code":3}`},
		"throws":             {"function decodeUplink() {\n throw new Error('no such port') }", telemetry.CodecFailed, "no such port (at decodeUplink"},
		"throws no error":    {`function decodeUplink() { throw 7 }`, telemetry.CodecFailed, "7"},
		"syntax":             {`function decodeUplink( {`, telemetry.CodecFailed, "SyntaxError"},
		"no function":        {`var x = 1`, telemetry.CodecFailed, "defines none of decodeUplink"},
		"empty":              {``, telemetry.CodecFailed, "defines none of decodeUplink"},
		"no data":            {`function decodeUplink() { return {} }`, telemetry.CodecFailed, "neither data nor errors"},
		"nothing":            {`function decodeUplink() {}`, telemetry.CodecFailed, "returned undefined"},
		"promise":            {`async function decodeUplink() { return {data: {}} }`, telemetry.CodecFailed, "a promise"},
		"require":            {`const fs = require("fs")`, telemetry.CodecFailed, "one file"},
		"cyclic":             {`function decodeUplink() { var d = {}; d.d = d; return {data: d} }`, telemetry.CodecFailed, "nested deeper"},
		"too many":           {`function decodeUplink() { return {data: new Array(5000).fill(1)} }`, telemetry.CodecFailed, "1024"},
		"built-ins replaced": {`Array.prototype.toJSON = function () { return 7 }; function decodeUplink() { return {data: {a: 1}} }`, telemetry.CodecFailed, "built-ins"},
		"no escape to the system": {`function decodeUplink() { return {data: {a: [typeof std, typeof os, typeof process, typeof fetch, typeof WebAssembly].join()}, errors: [] , warnings: [].concat(std.open)} }`,
			telemetry.CodecFailed, "std"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Decode(t.Context(), test.source, frame)
			var refusal *telemetry.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != test.reason || !strings.Contains(refusal.Detail, test.detail) {
				t.Errorf("%v, want %s … %s", err, test.reason, test.detail)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	r := newRunner(t, Limits{Time: 200 * time.Millisecond, Source: 1000})
	for source, want := range map[string]telemetry.Reason{
		`function decodeUplink() { throw new Error("only when called") }`: "",
		`function encodeDownlink() {}`:                                    telemetry.CodecFailed,
		`function decodeUplink( {`:                                        telemetry.CodecFailed,
		`for (;;) {}`:                                                     telemetry.CodecLimit,
		strings.Repeat(" ", 1001):                                         telemetry.CodecLimit,
	} {
		err := r.Check(t.Context(), source)
		var refusal *telemetry.Refusal
		if errors.As(err, &refusal); want == "" && err != nil || want != "" && (refusal == nil || refusal.Reason != want) {
			t.Errorf("%.40s: %v, want %q", source, err, want)
		}
	}
}

// TestNothingLeaks calls sources that try to leave something behind.
func TestNothingLeaks(t *testing.T) {
	r := newRunner(t, Limits{Workers: 1})
	const counter = `var n = 0; globalThis.m = (globalThis.m || 0) + 1; let k = 0;
		function decodeUplink() { n++; k++; seen = typeof seen === "undefined" ? 1 : seen + 1;
			Object.prototype.left = (Object.prototype.left || 0) + 1; console.kept = (console.kept || 0) + 1; Buffer.stayed = (Buffer.stayed || 0) + 1;
			return {data: {all: [n, k, m, seen, ({}).left, console.kept, Buffer.stayed].join()}} }`
	for range 3 {
		got, err := r.Decode(t.Context(), counter, frame)
		if err != nil || values(got)["all"] != "1,1,1,1,1,1,1" {
			t.Fatalf("%v, %v", values(got), err)
		}
	}
	got, err := r.Decode(t.Context(), `function decodeUplink() { return {data: {all: [typeof m, typeof seen, ({}).left].join()}} }`, frame)
	if err != nil || values(got)["all"] != "undefined,undefined," {
		t.Errorf("another source sees %v, %v", values(got), err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	r := newRunner(t, Limits{Workers: 2})
	sources := []string{
		`function decodeUplink(i) { return {data: {v: i.bytes[0] + 1}} }`,
		`function decodeUplink(i) { return {data: {v: i.bytes[0] + 2}} }`,
	}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			got, err := r.Decode(t.Context(), sources[i%2], Uplink{Bytes: []byte{byte(i)}})
			if want := float64(i + 1 + i%2); err != nil || values(got)["v"] != want {
				t.Errorf("call %d: %v, %v, want %v", i, values(got), err, want)
			}
		})
	}
	all.Wait()
}

// TestWorkerLost ends a worker from outside: the next call does not notice.
func TestWorkerLost(t *testing.T) {
	r := newRunner(t, Limits{Workers: 1})
	const source = `function decodeUplink() { return {data: {a: 1}} }`
	for range 3 {
		if _, err := r.Decode(t.Context(), source, frame); err != nil {
			t.Fatal(err)
		}
		p := <-r.slots
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		r.slots <- p
	}
}

func TestClosedAndCancelled(t *testing.T) {
	r := New(Limits{Workers: 1})
	p := <-r.slots // the only worker is busy
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Decode(ctx, "", frame); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a cancelled context: %v", err)
	}
	r.slots <- p
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Decode(t.Context(), "", frame); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
