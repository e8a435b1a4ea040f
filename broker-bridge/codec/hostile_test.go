package codec

import (
	"errors"
	"testing"
	"time"

	"cityhub/telemetry"
)

// hostile are bodies of decodeUplink that must be stopped. Those in the second
// half spend their time inside one built-in, where the engine never looks at
// its clock: only the end of the process helps.
var hostile = map[string]string{
	"endless loop":          `for (;;) {}`,
	"loop that catches":     `for (;;) { try { for (;;) {} } catch (e) {} }`,
	"loop in finally":       `function g() { try { for (;;) {} } finally { g() } } g()`,
	"gigabyte string":       `return {data: {n: "x".repeat(1e9).length}}`,
	"doubling string":       `var s = "x"; for (;;) s += s`,
	"gigabyte array":        `new Uint8Array(1e9)`,
	"growing map":           `var m = new Map(); for (;;) m.set({}, [])`,
	"deep recursion":        `function f() { return f() + 1 } f()`,
	"deep object":           `var o = {}; for (;;) o = {o: o}`,
	"nested quantifiers":    `/^(a+)+$/.test("a".repeat(40) + "b")`,
	"counted quantifiers":   `/(a{0,65535}){0,65535}b/.exec("a".repeat(1e5))`,
	"endless generator":     `[...function* () { for (;;) yield 1 }()]`,
	"growing integer":       `var x = 3n; for (;;) x = x * x`,
	"getter in the result":  `return {data: {get a() { for (;;) {} }}}`,
	"endless proxy":         `return {data: new Proxy({}, {ownKeys: function () { for (;;) {} }})}`,
	"sparse array":          `new Array(4e9).indexOf(1)`,
	"array-like":            `Array.prototype.forEach.call({length: 1e15}, function () {})`,
	"reversed array-like":   `Array.prototype.reverse.call({length: 1e15})`,
	"copied array-like":     `Array.prototype.copyWithin.call({length: 1e15}, 1, 0)`,
	"joined holes":          `new Array(4e9).join("")`,
	"needle in haystack":    `"a".repeat(4e6).indexOf("a".repeat(2e6) + "b")`,
	"many costly built-ins": `var a = new Uint8Array(8e6); for (;;) a.indexOf(1)`,
	"many long strings":     `for (;;) new Date("x".repeat(1e6))`,
}

func TestHostileSources(t *testing.T) {
	limits := Limits{Time: 100 * time.Millisecond, Memory: 16 << 20, Workers: 1}
	r := newRunner(t, limits)
	for name, body := range hostile {
		t.Run(name, func(t *testing.T) {
			if err := r.Check(t.Context(), good); err != nil { // the worker's start is not the source's
				t.Fatal(err)
			}
			began := time.Now()
			_, err := r.Decode(t.Context(), "function decodeUplink() { "+body+" }", frame)
			t.Logf("%v: %v", time.Since(began).Round(time.Millisecond), err)
			var refusal *telemetry.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != telemetry.CodecLimit {
				t.Errorf("%v, want %s", err, telemetry.CodecLimit)
			}
			// Limits count the processor's time, so that the wall's may be longer
			// on a busy machine; without a limit these would run for minutes.
			if took := time.Since(began); took > 2*patience*limits.Time+time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	if _, err := r.Decode(t.Context(), good, frame); err != nil {
		t.Errorf("an honest source after all that: %v", err)
	}
}

const good = `function decodeUplink(i) { return {data: {b: i.bytes[0]}} }`

// TestHostileWhileLoading has the same outside of any function.
func TestHostileWhileLoading(t *testing.T) {
	r := newRunner(t, Limits{Time: 100 * time.Millisecond, Workers: 1})
	for name, source := range map[string]string{
		"loop":     `for (;;) {}`,
		"built-in": `new Array(4e9).indexOf(1); ` + good,
		"lookup":   `Object.defineProperty(globalThis, "Decoder", {get: function () { for (;;) {} }})`,
	} {
		err := r.Check(t.Context(), source)
		var refusal *telemetry.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != telemetry.CodecLimit {
			t.Errorf("%s: %v, want %s", name, err, telemetry.CodecLimit)
		}
	}
}

// TestRest has a source that is at fault every time stop costing time.
func TestRest(t *testing.T) {
	r := newRunner(t, Limits{Workers: 1, Time: 200 * time.Millisecond, Rest: time.Hour})
	const bad = `function decodeUplink() { for (;;) {} }`
	for range strikes {
		if _, err := r.Decode(t.Context(), bad, frame); err == nil {
			t.Fatal("an endless loop ended")
		}
	}
	p := <-r.slots // so that a call that wanted a worker would wait for ever
	_, err := r.Decode(t.Context(), bad, frame)
	var refusal *telemetry.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != telemetry.CodecLimit {
		t.Errorf("resting: %v", err)
	}
	r.slots <- p
	if _, err := r.Decode(t.Context(), good, frame); err != nil {
		t.Errorf("another source: %v", err)
	}
}

func TestRestEnds(t *testing.T) {
	r := rests{after: time.Minute, of: map[[32]byte]offence{}}
	now, hash := time.Unix(0, 0), [32]byte{1}
	for i := range strikes {
		if r.resting(hash, now) {
			t.Fatalf("rests after %d strikes", i)
		}
		r.note(hash, true, now)
	}
	if !r.resting(hash, now) || r.resting(hash, now.Add(time.Minute)) {
		t.Error("does not rest for exactly its time")
	}
	r.note(hash, false, now)
	if r.resting(hash, now) {
		t.Error("a good call does not clear the strikes")
	}
	for i := range 2 * maxResting {
		r.note([32]byte{2, byte(i), byte(i >> 8)}, true, now)
	}
	if len(r.of) > maxResting {
		t.Errorf("remembers %d sources", len(r.of))
	}
}

func BenchmarkDecode(b *testing.B) {
	r := newRunner(b, Limits{Workers: 1})
	const source = `function decodeUplink(input) { var b = input.bytes, d = {};
		for (var i = 0; i + 3 < b.length; i += 4) d["c" + i] = (b[i] << 24 | b[i + 1] << 16 | b[i + 2] << 8 | b[i + 3]) / 100;
		return {data: d}; }`
	in := Uplink{Bytes: make([]byte, 24), FPort: 2}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Decode(b.Context(), source, in); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWorkerLeavesWithTheHub closes the pipe, as the hub's death would, on a
// worker that is deep in a source.
func TestWorkerLeavesWithTheHub(t *testing.T) {
	p, err := start(Limits{Time: time.Hour}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	source := `for (;;) {}`
	if err := send(p.in, request{Hash: []byte{1}, Source: &source}); err != nil {
		t.Fatal(err)
	}
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the worker did not leave by itself: %v", err)
	}
}
