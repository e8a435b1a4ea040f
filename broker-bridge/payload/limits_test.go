package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"cityhub/telemetry"
)

func TestNames(t *testing.T) {
	for _, name := range Names() {
		if f, ok := ByName(name); !ok || f.Name != name {
			t.Errorf("ByName(%q) = %q, %v", name, f.Name, ok)
		}
	}
	if _, ok := ByName("sparkplug"); ok {
		t.Error("ByName finds a format that does not exist")
	}
}

// TestSizes holds every format to the limits on size.
func TestSizes(t *testing.T) {
	for _, name := range Names() {
		format, _ := ByName(name)
		for size, reason := range map[int]telemetry.Reason{0: telemetry.Undecodable, MaxBytes + 1: telemetry.TooLarge} {
			_, err := format.Decode(Input{Payload: bytes.Repeat([]byte{' '}, size), Device: "A", FPort: 1, Received: received})
			var refusal *telemetry.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != reason {
				t.Errorf("%s of %d bytes: %v, want %s", name, size, err, reason)
			}
		}
	}
}

// TestManyKeys goes past the small set of keys that costs no allocation.
func TestManyKeys(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"values":{`)
	for i := range 200 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k` + strings.Repeat("x", i) + `":1`)
	}
	whole := b.String()
	d, err := decodeNative(Input{Payload: []byte(whole + "}}")})
	if err != nil || len(d.Measurements[0].Values) != 200 {
		t.Fatalf("200 keys: %v", err)
	}
	_, err = decodeNative(Input{Payload: []byte(whole + `,"kxxxxxxxxxxxxxxxxxxxx":2}}`)})
	if refusal := (*telemetry.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reason != telemetry.DuplicateKey {
		t.Errorf("a key twice among 200: %v", err)
	}
}

// TestSmartDataModels decodes the models' own examples where they are at hand;
// they are not part of this repository.
func TestSmartDataModels(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/smart-data-models/*.json")
	if len(files) == 0 {
		t.Log("the models' own examples are not at hand; the golden folders of ngsi stand for them")
		return
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := decodeNGSI(Input{Payload: body, Received: received})
		if err != nil || len(d.Measurements) == 0 || len(d.Measurements[0].Values) == 0 {
			t.Errorf("%s: %v, %d measurements", filepath.Base(file), err, len(d.Measurements))
			continue
		}
		check(t, d, err)
		t.Logf("%s: %s, %d values at %s", filepath.Base(file), d.Measurements[0].Device, len(d.Measurements[0].Values), d.Measurements[0].Time)
	}
}

// check asserts what every answer of every format promises.
func check(t *testing.T, d Decoded, err error) {
	t.Helper()
	if err != nil {
		var refusal *telemetry.Refusal
		if !errors.As(err, &refusal) || refusal == nil || refusal.Reason == "" || refusal.Detail == "" || !utf8.ValidString(refusal.Detail) {
			t.Fatalf("not a refusal with reason and detail: %#v", err)
		}
		return
	}
	if !d.Ignored && len(d.Measurements) == 0 && len(d.Uplinks) == 0 {
		t.Fatal("an answer that says nothing")
	}
	for _, m := range d.Measurements {
		if !m.Time.IsZero() && (m.Time.Before(earliest) || m.Time.After(latest)) {
			t.Fatalf("time %v does not fit nanoseconds", m.Time)
		}
		if m.Position != nil && m.Position.Validate() != nil {
			t.Fatalf("position %v", *m.Position)
		}
		for _, v := range m.Values {
			if v.Key == "" || math.IsNaN(v.Value.Num) || math.IsInf(v.Value.Num, 0) || !utf8.ValidString(v.Value.Text) {
				t.Fatalf("value %+v", v)
			}
			if m.Untyped && v.Value.Kind != telemetry.Text {
				t.Fatalf("untyped value %+v", v)
			}
		}
	}
}

// fuzz seeds a target with the golden inputs of its format.
func fuzz(f *testing.F, name string) {
	format, _ := ByName(name)
	folders, _ := filepath.Glob(filepath.Join("testdata", name, "*"))
	for _, folder := range folders {
		in := goldenInput(f, folder)
		f.Add(in.Topic, in.Payload, in.Device)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte, device string) {
		before := bytes.Clone(payload)
		d, err := format.Decode(Input{Topic: topic, Payload: payload, Device: device, FPort: 1, Received: received})
		check(t, d, err)
		if !bytes.Equal(before, payload) {
			t.Fatal("the payload was changed")
		}
	})
}

func FuzzNative(f *testing.F)     { fuzz(f, "native") }
func FuzzSenML(f *testing.F)      { fuzz(f, "senml") }
func FuzzSenMLCBOR(f *testing.F)  { fuzz(f, "senml-cbor") }
func FuzzChirpStack(f *testing.F) { fuzz(f, "chirpstack") }
func FuzzTTN(f *testing.F)        { fuzz(f, "ttn") }
func FuzzUltraLight(f *testing.F) { fuzz(f, "ultralight") }
func FuzzNGSI(f *testing.F)       { fuzz(f, "ngsi") }
func FuzzZigbee(f *testing.F)     { fuzz(f, "zigbee2mqtt") }
func FuzzRaw(f *testing.F)        { fuzz(f, "raw") }

// FuzzJSON compares the scanner with the standard library: they must agree on
// what is JSON, and on what it says.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e-3,"x\u00e9",true,false,null,{}]}`, `[1.7976931348623157e308,5e-324,0.1,1e-400]`,
		`"\ud83d\ude00\ud800"`, `[1,]`, `{"a" :}`, "0123", `-`, `1.`, `1e`, ` 12 `, `"` + "\x01" + `"`, `123456789012345678901234567890`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := parse(body)
		valid := json.Valid(body) && utf8.Valid(body)
		if err != nil {
			if refusalOf(err).Reason == telemetry.Undecodable && valid {
				t.Fatalf("refuses valid JSON: %v", err)
			}
			return
		}
		var want any
		if !valid || json.Unmarshal(body, &want) != nil {
			t.Fatal("takes what is not JSON")
		}
		same(t, n, want)
	})
}

func same(t *testing.T, n node, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		if n.kind != object || len(n.keys) != len(w) {
			t.Fatalf("%v instead of %v", n, w)
		}
		for i, key := range n.keys {
			same(t, n.items[i], w[key])
		}
	case []any:
		if n.kind != list || len(n.items) != len(w) {
			t.Fatalf("%v instead of %v", n, w)
		}
		for i, item := range n.items {
			same(t, item, w[i])
		}
	case float64:
		if n.kind != number || n.num != w {
			t.Fatalf("%v instead of %v", n.num, w)
		}
	case string:
		if n.kind != text || n.text != w {
			t.Fatalf("%q instead of %q", n.text, w)
		}
	case bool:
		if n.kind != boolean || n.num != 0 != w {
			t.Fatalf("%v instead of %v", n, w)
		}
	case nil:
		if n.kind != null {
			t.Fatalf("%v instead of null", n)
		}
	}
}
