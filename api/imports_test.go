package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// upload sends files, name and text in turn, as one import.
func (h *hub) upload(kind string, files ...string) reply {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	check(h.t, form.WriteField("kind", kind))
	for i := 0; i < len(files); i += 2 {
		w := must(form.CreateFormFile("file", files[i]))(h.t)
		_, err := w.Write([]byte(files[i+1]))
		check(h.t, err)
	}
	check(h.t, form.Close())
	return h.call(http.MethodPost, "imports", body.String(), "Content-Type: "+form.FormDataContentType())
}

// imported sends files and waits until they are through.
func (h *hub) imported(kind string, files ...string) map[string]any {
	h.t.Helper()
	at := h.upload(kind, files...).want(202).header.Get("Location")
	var state map[string]any
	eventually(h.t, "the import is done", func() bool {
		state = h.get(at).want(200).json()
		return state["state"] == "done"
	})
	return state
}

const noiseModel = "code: noise\nname: Noise meter\nreport_interval: 1m\nchannels:\n  - {key: laeq, property: laeq, unit: dB, range: [0, 150]}\n"

func TestImportModels(t *testing.T) {
	h := newHub(t)
	state := h.imported("models", "noise.yaml", noiseModel, "bad.yaml", "code: bad\nchannel: []\n",
		"lora.yaml", noiseModel[:0]+"code: lora\ncodec: lora.js\nchannels: [{key: v, property: v}]\n", "lora.js", "function decodeUplink(i) { return {data: {}} }",
		"lost.yaml", "code: lost\ncodec: lost.js\nchannels: [{key: v, property: v}]\n")
	if state["created"] != 2.0 || state["failed"] != 2.0 || state["total"] != 4.0 {
		t.Errorf("%v", state)
	}
	if s := h.get("sensors?code=lora").want(200); !strings.Contains(string(s.body), "decodeUplink") {
		t.Errorf("the codec is missing: %s", s.body)
	}
	if again := h.imported("models", "noise.yaml", noiseModel); again["created"] != 0.0 || again["failed"] != 0.0 {
		t.Errorf("again: %v", again)
	}
}

func TestImportDevices(t *testing.T) {
	h := newHub(t)
	h.imported("models", "noise.yaml", noiseModel)
	var file strings.Builder
	file.WriteString("\ufeffmodel,device,station,lon,lat\n")
	for i := range 620 {
		switch i {
		case 300:
			file.WriteString("gold,bad-model,s,105,21\n")
		case 510:
			file.WriteString("noise,bad-place,s510,105;8,21\n")
		default:
			fmt.Fprintf(&file, "noise,d%d,s%d,105.8,21.0\n", i, i)
		}
	}
	state := h.imported("devices", "devices.csv", file.String())
	got := map[string]any{"total": state["total"], "done": state["done"], "created": state["created"], "failed": state["failed"]}
	if diff := cmp.Diff(map[string]any{"total": 620.0, "done": 620.0, "created": 618.0, "failed": 2.0}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	rows := state["rows"].([]any)
	if row := rows[510].(map[string]any); row["line"] != 512.0 || row["device"] != "bad-place" || row["field"] != "lon" || row["result"] != "failed" {
		t.Errorf("row %v", row)
	}
	again := h.imported("devices", "devices.csv", file.String())
	if again["unchanged"] != 618.0 || again["failed"] != 2.0 {
		t.Errorf("again: created %v, updated %v, unchanged %v", again["created"], again["updated"], again["unchanged"])
	}
}

func TestImportRefusals(t *testing.T) {
	h := newHub(t)
	for name, r := range map[string]reply{
		"kind":           h.upload("zones", "z.csv", "x"),
		"file":           h.upload("devices"),
		"colour":         h.upload("devices", "d.csv", "device,model,colour\n"),
		"two":            h.upload("devices", "a.csv", "device,model\n", "b.csv", "device,model\n"),
		"sheet":          h.upload("devices", "a.xlsx", "PK"),
		"models":         h.upload("models", "a.js", "x"),
		"the same twice": h.upload("models", "a.yaml", "x", "a.yaml", "y"),
	} {
		if r.status != 422 {
			t.Errorf("%s: status %d: %s", name, r.status, r.body)
		}
	}
	h.get("imports/none").want(404)
	h.post("imports", `{}`).want(415)
}
