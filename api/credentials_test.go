package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// stocked registers a device that lies in stock.
func (h *hub) stocked(code, serial string) int64 {
	h.t.Helper()
	return h.post("devices", fmt.Sprintf(`{"code":%q,"serial":%q,"model":"air"}`, code, serial)).want(201).id()
}

func TestClaimAndCredentials(t *testing.T) {
	h := newHub(t)
	h.city()
	id := h.stocked("aq-1", "SN-1")
	at := fmt.Sprintf("devices/%d/", id)
	made := h.post(at+"claim-codes", `{"validFor":"PT24H"}`).want(201)
	if made.header.Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep the claim code")
	}
	code := made.json()["code"].(string)
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"wrong code":        {at + "claim", `{"code":"AC3F-K9MN-WX4T-Y7PR","organisation":"HN"}`, 404},
		"no such serial":    {"claims", `{"serial":"SN-2","code":"` + code + `","organisation":"HN"}`, 404},
		"no organisation":   {"claims", `{"serial":"SN-1","code":"` + code + `"}`, 422},
		"no position":       {"claims", `{"serial":"SN-1","code":"` + code + `","organisation":"HN","position":[500,0]}`, 422},
		"life too long":     {at + "claim-codes", `{"validFor":"P4D"}`, 422},
		"device of nowhere": {"devices/999/claim-codes", `{}`, 404},
	} {
		t.Run(name, func(t *testing.T) {
			h.under(t)
			h.post(c.path, c.body).want(c.status)
		})
	}
	claimed := h.post("claims", `{"serial":"SN-1","code":"`+code+`","organisation":"HN","position":[105.85,21.03]}`).want(200).json()
	if claimed["organisation"] != "HN" || claimed["state"] != "claimed" {
		t.Errorf("claimed %v", claimed)
	}
	h.post("claims", `{"serial":"SN-1","code":"`+code+`","organisation":"HN"}`).want(404)
	secret := h.post(at+"credentials", ``).want(201).json()
	if secret["username"] != "aq-1" || len(secret["secret"].(string)) < 22 || secret["oldUntil"] != nil {
		t.Errorf("credential %v", secret)
	}
	if p, err := h.keeper.ByDevice(t.Context(), "aq-1", secret["secret"].(string)); err != nil || p.ID != id {
		t.Errorf("%+v %v", p, err)
	}
	if next := h.post(at+"credentials", `{"overlap":"PT1H"}`).want(201).json(); next["oldUntil"] == nil {
		t.Errorf("no overlap in %v", next)
	}
	h.post(at+"credentials", `{"overlap":"P31D"}`).want(422)
	h.call(http.MethodDelete, at+"credentials", "").want(204)
	if _, err := h.keeper.ByDevice(t.Context(), "aq-1", secret["secret"].(string)); err == nil {
		t.Error("a revoked device still comes in")
	}
	for _, shown := range []reply{h.get("devices/" + fmt.Sprint(id)), h.get("devices"), h.get("audit?limit=1000")} {
		if text := string(shown.want(200).body); strings.Contains(text, secret["secret"].(string)) || strings.Contains(text, code) {
			t.Errorf("a secret is shown again: %s", text)
		}
	}
}

// What a device that was shut out sends is refused, whoever brings it.
func TestARevokedDeviceIsHeardNoMore(t *testing.T) {
	h := newHub(t)
	h.city()
	id := h.get("devices?code=dev-1").items()[0].(map[string]any)["id"]
	h.post("ingest", `{"device":"dev-1","values":{"pm25":4}}`).want(202)
	h.call(http.MethodDelete, fmt.Sprintf("devices/%v/credentials", id), "").want(204)
	if r := h.post("ingest", `{"device":"dev-1","values":{"pm25":5}}`).want(422); !strings.Contains(string(r.body), `"revoked"`) {
		t.Errorf("refused for another reason: %s", r.body)
	}
	h.post(fmt.Sprintf("devices/%v/credentials", id), ``).want(201)
	h.post("ingest", `{"device":"dev-1","values":{"pm25":6}}`).want(202)
}

func TestLabels(t *testing.T) {
	h := newHub(t)
	h.city()
	id := h.stocked("aq-1", "SN-1")
	for format, start := range map[string]string{"svg": "<svg", "png": "\x89PNG", "pdf": "%PDF-"} {
		r := h.get(fmt.Sprintf("devices/%d/label?format=%s", id, format)).want(200)
		if !strings.HasPrefix(string(r.body), start) || !strings.Contains(r.header.Get("Content-Type"), format) {
			t.Errorf("%s: %s %.20q", format, r.header.Get("Content-Type"), r.body)
		}
	}
	h.get("devices/999/label").want(404)
	sheet := h.post("labels", `{"devices":["aq-1","dev-1"],"perRow":2}`).want(200)
	if !strings.HasPrefix(string(sheet.body), "%PDF-") {
		t.Errorf("%.20q", sheet.body)
	}
	h.post("labels", `{"devices":["aq-1"],"claimCodes":true}`).want(200)
	h.post("labels", `{"devices":["dev-1"],"claimCodes":true}`).want(409)
	h.post("labels", `{"devices":["nobody"]}`).want(422)
	found := h.post("labels/read", `{"text":"https://elsewhere.example/d/aq-1#claim=AC3F-K9MN-WX4T-Y7PR"}`).want(200).json()
	if found["claimCode"] != "AC3F-K9MN-WX4T-Y7PR" || found["device"].(map[string]any)["id"] != float64(id) {
		t.Errorf("read %v", found)
	}
	fresh := h.post("labels/read", `{"text":"LW:D0:70B3D57ED0001234:A84041FFFF1C2D3E:01A20B0C:SX-9"}`).want(200).json()
	if fresh["device"] != nil || fresh["proposal"].(map[string]any)["serial"] != "X-9" {
		t.Errorf("read %v", fresh)
	}
	h.post("labels/read", `{"text":"hello"}`).want(422)
}

// Whoever finds a retired device in a bin cannot speak for it.
func TestARetiredDeviceIsLetInNoMore(t *testing.T) {
	h := newHub(t)
	h.city()
	id := h.stocked("aq-1", "SN-1")
	secret := h.post(fmt.Sprintf("devices/%d/credentials", id), ``).want(201).json()["secret"].(string)
	h.move("aq-1", "retire", `{"reason":"run over"}`).want(200)
	if _, err := h.keeper.ByDevice(t.Context(), "aq-1", secret); err == nil {
		t.Error("its secret still lets it in")
	}
	if log := string(h.get("audit?limit=1000").want(200).body); !strings.Contains(log, "credential-revoke") {
		t.Error("the end of its secret is not in the log")
	}
}
