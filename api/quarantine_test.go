package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cityhub/telemetry"
)

// confine quarantines messages, as the hub does with what comes over MQTT.
func (h *hub) confine(n int, device string, reason telemetry.Reason, payload string) {
	h.t.Helper()
	items := make([]telemetry.Quarantined, n)
	for i := range items {
		items[i] = telemetry.Quarantined{Received: time.Now(), Route: "native", Topic: "cityhub/v1/" + device + "/telemetry",
			Device: device, Payload: []byte(payload), Reason: reason, Detail: "as tested"}
	}
	must(h.quarantine.Add(h.t.Context(), items))(h.t)
}

func TestQuarantine(t *testing.T) {
	h := newHub(t)
	h.confine(3, "a", telemetry.NotRegistered, `{"values":{"pm25":1}}`)
	h.confine(2, "b", telemetry.Undecodable, "\xff\x00"+strings.Repeat("y", 5_000))
	page := h.get("quarantine?limit=2").want(200).json()
	if counts := page["counts"].(map[string]any); counts["not_registered"] != 3.0 || counts["undecodable"] != 2.0 {
		t.Errorf("counts %v", counts)
	}
	h.pages("/api/v1/quarantine?limit=2", 5)
	h.pages("/api/v1/quarantine?limit=2&reason=not_registered", 3)
	h.pages("/api/v1/quarantine?device=b", 2)
	first := page["items"].([]any)[0].(map[string]any)
	if first["text"] != `{"values":{"pm25":1}}` || first["device"] != "a" || first["size"] != 21.0 {
		t.Errorf("%v", first)
	}
	bytes := h.get("quarantine?device=b").items()[0].(map[string]any)
	if bytes["text"] != nil || bytes["truncated"] != true || bytes["size"] != 5002.0 {
		t.Errorf("bytes are told as text %v, truncated %v, size %v", bytes["text"], bytes["truncated"], bytes["size"])
	}
	r := h.get(fmt.Sprintf("quarantine/%.0f/payload", bytes["id"])).want(200)
	if len(r.body) != 5002 || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d bytes, %v", len(r.body), r.header)
	}
	if one := h.get(fmt.Sprintf("quarantine/%.0f", bytes["id"])).want(200).json(); one["truncated"] != nil {
		t.Error("one message is told cut short")
	}
	h.get("quarantine/999").want(404)
	h.get("quarantine/999/payload").want(404)
}

func TestReplay(t *testing.T) {
	h := newHub(t)
	h.replay = func(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error) {
		var ids []int64
		for _, q := range items {
			if q.Device == "a" {
				ids = append(ids, q.ID)
			}
		}
		return len(ids), len(items) - len(ids), h.quarantine.Remove(ctx, ids)
	}
	h.confine(700, "a", telemetry.NotRegistered, "1")
	h.confine(5, "b", telemetry.NotRegistered, "2")
	h.confine(5, "a", telemetry.Undecodable, "3")
	id := h.get("quarantine?reason=undecodable").items()[0].(map[string]any)["id"]
	for _, c := range []struct {
		body                        string
		replayed, accepted, refused float64
	}{
		{fmt.Sprintf(`{"ids":[%.0f]}`, id), 1, 1, 0},
		{`{"reason":"not_registered"}`, 705, 700, 5},
		{`{}`, 9, 4, 5},
		{`{"ids":[]}`, 0, 0, 0},
	} {
		got := h.post("quarantine/replay", c.body).want(200).json()
		if got["replayed"] != c.replayed || got["accepted"] != c.accepted || got["refused"] != c.refused {
			t.Errorf("%s: %v", c.body, got)
		}
	}
	h.post("quarantine/replay", fmt.Sprintf(`{"ids":[%.0f]}`, id)).want(404)
}

// What is refused again may come back as a new message; it is not sent twice.
func TestReplayInParts(t *testing.T) {
	h := newHub(t)
	sent := 0
	h.replay = func(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error) {
		sent += len(items)
		var ids []int64
		for _, q := range items {
			ids = append(ids, q.ID)
		}
		h.confine(len(items), "a", telemetry.NotArchivable, "again")
		return len(ids), 0, h.quarantine.Remove(ctx, ids)
	}
	h.confine(7, "a", telemetry.NotArchivable, "1")
	next := ""
	for _, want := range []float64{3, 3, 1} {
		got := h.post("quarantine/replay", fmt.Sprintf(`{"limit":3,"after":%q}`, next)).want(200).json()
		if got["replayed"] != want || got["accepted"] != want {
			t.Errorf("%v, want %v", got, want)
		}
		next, _ = got["next"].(string)
	}
	if next != "" || sent != 7 {
		t.Errorf("%d were sent, and then comes %q", sent, next)
	}
	h.post("quarantine/replay", `{"after":"?"}`).want(400)
}

// A replay holds no more of the quarantine in memory than it must.
func TestReplayGoesByBytes(t *testing.T) {
	h := newHub(t)
	most := 0
	h.replay = func(ctx context.Context, items []telemetry.Quarantined) (accepted, refused int, err error) {
		size := 0
		for _, q := range items {
			size += len(q.Payload)
		}
		most = max(most, size)
		return 0, len(items), nil
	}
	h.confine(20, "a", telemetry.NotRegistered, strings.Repeat("x", 1<<20))
	if got := h.post("quarantine/replay", `{}`).want(200).json(); got["refused"] != 20.0 {
		t.Errorf("%v", got)
	}
	if most != 8<<20 {
		t.Errorf("%d bytes at a time", most)
	}
}

func TestQuarantineCutsNoCharacter(t *testing.T) {
	h := newHub(t)
	h.confine(1, "a", telemetry.Undecodable, "x"+strings.Repeat("ế", 3_000))
	shown := h.get("quarantine").items()[0].(map[string]any)
	if text, _ := shown["text"].(string); text != "x"+strings.Repeat("ế", 1_365) || shown["truncated"] != true || shown["size"] != 9_001.0 {
		t.Errorf("%d bytes of text, truncated %v, size %v", len(text), shown["truncated"], shown["size"])
	}
}

func TestStatus(t *testing.T) {
	h := newHub(t)
	h.city()
	h.send(`[{"device":"dev-1","values":{"pm25":1}},{"device":"dev-9","values":{"pm25":1}}]`)
	s := h.get("status").want(200).json()
	counters := s["counters"].(map[string]any)
	balanced := counters["balanced"].(map[string]any)
	if counters["stored"] != 1.0 || counters["rejected"].(map[string]any)["not_registered"] != 1.0 || balanced["received"] != true || balanced["accepted"] != true {
		t.Errorf("%v", counters)
	}
	if registry := s["registry"].(map[string]any); registry["stations"] != 1.0 || registry["devices"] != 1.0 {
		t.Errorf("%v", registry)
	}
	if s["properties"].(map[string]any)["pm25"] != 1.0 || s["zone"] != "Asia/Ho_Chi_Minh" {
		t.Errorf("%v", s)
	}
	device := h.get("devices/1").want(200).json()
	if device["lastReceived"] == nil || device["thing"] != "st-1" || device["missing"] != 0.0 {
		t.Errorf("%v", device)
	}
	h.call(http.MethodDelete, "status", "").want(405)
}
