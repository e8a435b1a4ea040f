package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/api"
	"cityhub/broker-bridge/codec"
	"cityhub/telemetry"
)

const levelCodec = `function decodeUplink(i) {
	if (i.fPort !== 2) return {errors: ["port " + i.fPort + " is not known"]};
	return {data: {level: (i.bytes[0] << 8 | i.bytes[1]) / 1000, spare: true}, warnings: i.bytes[2] ? ["low battery"] : []};
}`

// tryCodec runs codecs in worker processes, as the hub does.
func tryCodec(t testing.TB) api.TryCodec {
	runner := codec.New(codec.Limits{Workers: 1, Time: 2 * time.Second})
	t.Cleanup(func() { check(t, runner.Close()) })
	return func(ctx context.Context, source string, port int, frame []byte) (telemetry.Measurement, []string, error) {
		result, err := runner.Decode(ctx, source, codec.Uplink{Bytes: frame, FPort: port})
		return telemetry.Measurement{Values: result.Values, Unknown: result.Unknown, Time: result.Time}, result.Warnings, err
	}
}

func TestTryCodec(t *testing.T) {
	h := newHub(t)
	h.post("sensors", `{"code":"level","codec":`+strconv.Quote(levelCodec)+`,"channels":[{"key":"level","property":"level","unit":"m","range":[0,10]}]}`).want(201)
	h.post("sensors", `{"code":"plain","channels":[{"key":"on","property":"lamp_on","kind":"boolean"},{"key":"w","property":"power","unit":"W"}]}`).want(201)
	endless := `"codec":"function decodeUplink() { for (;;) {} }"`
	for name, c := range map[string]struct {
		path, body string
		want       []string
	}{
		"a model, hex":     {"sensors/1/decode", `{"fPort":2,"hex":"0x04 d2:01"}`, []string{`"key":"level","value":1.234`, `"unit":"m","inRange":true`, `"ignored":["spare"]`, `"warnings":["low battery"]`, `"errors":[]`}},
		"base64":           {"sensors/1/decode", `{"fPort":2,"base64":"BNIA"}`, []string{`"property":"level","key":"level","value":1.234`, `"warnings":[]`}},
		"out of range":     {"sensors/1/decode", `{"fPort":2,"hex":"ffff00"}`, []string{`"inRange":false`, `level: 65.535 is outside [0, 10]`}},
		"the codec's word": {"sensors/1/decode", `{"fPort":3,"hex":"04d200"}`, []string{`"readings":[]`, `port 3 is not known`}},
		"payload":          {"sensors/2/decode", `{"payload":{"values":{"on":true,"w":12}}}`, []string{`"property":"lamp_on","key":"on","value":true`, `"value":12,"unit":"W"`}},
		"a wrong type":     {"sensors/2/decode", `{"payload":{"values":{"on":1,"w":12}}}`, []string{`"errors":["values.on: is number, the property holds boolean"]`, `"power"`}},
		"no channel":       {"sensors/2/decode", `{"payload":{"values":{"x":1}}}`, []string{`none of the 1 keys`}},
		"no JSON message":  {"sensors/2/decode", `{"payload":{"x":1}}`, []string{`"errors":["`}},
		"free source":      {"codecs/try", `{"codec":"function decodeUplink(i) { return {data: {a: {b: i.bytes[0]}}, time: new Date(0)} }","hex":"2a","channels":[{"key":"a.b","property":"answer","unit":"%"}]}`, []string{`"key":"a.b","value":42`, `"property":"answer"`, `"unit":"%"`}},
		"for a model":      {"codecs/try", `{"model":"level","codec":"function decodeUplink(i) { return {data: {level: 3}} }","hex":"00"}`, []string{`"property":"level","key":"level","value":3,"unit":"m"`}},
		"throws":           {"codecs/try", `{"codec":"function decodeUplink(i) { throw new Error('oh') }","hex":"00"}`, []string{`"errors":["the codec failed: Error: oh`}},
		"no end":           {"codecs/try", `{` + endless + `,"hex":"00"}`, []string{`"errors":["the codec`}},
	} {
		r := h.post(c.path, c.body).want(200)
		for _, want := range c.want {
			if !strings.Contains(string(r.body), want) {
				t.Errorf("%s: %s lacks %s", name, r.body, want)
			}
		}
	}
	for field, body := range map[string]string{"hex": `{"hex":"0"}`, "base64": `{"base64":"§"}`, "hex: give": `{}`, "hex: is 5000": `{"hex":"` + strings.Repeat("00", 5000) + `"}`} {
		if r := h.post("sensors/1/decode", body).want(422); !strings.Contains(string(r.body), field) {
			t.Errorf("%s: %s", field, r.body)
		}
	}
	h.post("sensors/2/decode", `{"hex":"00"}`).want(422)
	h.post("sensors/99/decode", `{"hex":"00"}`).want(404)
}

// Free source is the catalogue's; a stored model may be tried in the field.
func TestWhoMayTryCodecs(t *testing.T) {
	h := newHub(t)
	h.city()
	h.key = h.newKey(access.Technician, 1)
	h.post("codecs/try", `{"codec":"function decodeUplink() { return {data: {a: 1}} }","hex":"00"}`).want(403)
	h.post("sensors/1/decode", `{"payload":{"values":{"pm25":1}}}`).want(200)
}

func TestModelSchemaIsPublished(t *testing.T) {
	h := newHub(t)
	r := must(h.client.Get(h.url + "/api/v1/schemas/model"))(t) // without a key
	defer r.Body.Close()
	body := must(io.ReadAll(r.Body))(t)
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/schema+json" || !json.Valid(body) || !strings.Contains(string(body), `"$defs"`) {
		t.Errorf("%d %s %s", r.StatusCode, r.Header.Get("Content-Type"), body)
	}
}

// A mistake in a model's file is told with its line.
func TestImportNamesTheLine(t *testing.T) {
	h := newHub(t)
	state := h.imported("models", "bad.yaml", "code: bad\nchannels:\n  - {key: a, property: A}\n")
	row := state["rows"].([]any)[0].(map[string]any)
	if row["result"] != "failed" || row["field"] != "channels[0].property" || !strings.Contains(fmt.Sprint(row["detail"]), "line 3") {
		t.Errorf("%v", row)
	}
}
