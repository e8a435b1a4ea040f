package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/telemetry"
)

// audited are the actions in the audit log, as somebody sees it, with their
// nouns.
func (h *hub) audited(key string) (actions []string) {
	h.t.Helper()
	for _, item := range h.get("audit?limit=1000", "Authorization: Bearer "+key).want(200).items() {
		e := item.(map[string]any)
		actions = append(actions, fmt.Sprint(e["action"], " ", e["noun"]))
	}
	return actions
}

// What is handed out, or done past the registry, is noted for those whose it is.
func TestSensitiveReadsAreNoted(t *testing.T) {
	h := newHub(t)
	h.city()
	admin := h.newKey(access.OrgAdmin, 1)
	items := []telemetry.Quarantined{{Received: time.Now(), Route: "native", Device: "dev-1", Payload: []byte("{}"), Reason: telemetry.Undecodable}}
	must(h.quarantine.Add(t.Context(), items))(t)
	h.replay = func(_ context.Context, items []telemetry.Quarantined) (int, int, error) { return 0, len(items), nil }
	hub := h.key
	h.key = admin
	id := h.imported("devices", "d.csv", "device,model,organisation\nnew-1,air,HN\n")["id"].(string)
	h.get("imports/" + id + "/rows.csv").want(200)
	for _, what := range []string{"secrets import", "export device", "payload quarantine", "replay quarantine"} {
		if slices.Contains(h.audited(admin), what) {
			t.Errorf("%s before it happens", what)
		}
	}
	h.get("imports/" + id + "/rows.csv?secrets=true").want(200)
	h.get("devices/export").want(200)
	h.get(fmt.Sprintf("quarantine/%d/payload", items[0].ID)).want(200)
	h.post("quarantine/replay", `{}`).want(200)
	h.key = hub
	for _, reader := range []string{admin, hub} {
		seen := h.audited(reader)
		for _, what := range []string{"import import", "secrets import", "export device", "payload quarantine", "replay quarantine"} {
			if !slices.Contains(seen, what) {
				t.Errorf("%s is not noted: %s", what, strings.Join(seen, ", "))
			}
		}
	}
}

// Who gives a device away can read that it went, and to whom.
func TestAHandOverIsNotedForBoth(t *testing.T) {
	h := newHub(t)
	h.city()
	h.post("organisations", `{"code":"TAKER"}`).want(201)
	h.post("devices", `{"code":"dev-2","model":"air","organisation":"HN"}`).want(201)
	giver, taker := h.newKey(access.OrgAdmin, 1), h.newKey(access.OrgAdmin, 2)
	h.call("POST", "devices/2/hand-over", `{"to":"TAKER"}`, "Authorization: Bearer "+giver).want(200)
	h.call("POST", "devices/1/hand-over", `{"to":"TAKER","things":true}`, "Authorization: Bearer "+giver).want(200)
	for _, of := range []string{"noun=device&entity=1", "noun=device&entity=2", "noun=thing&entity=1"} {
		for _, key := range []string{giver, taker} {
			body := string(h.get("audit?limit=1000&"+of, "Authorization: Bearer "+key).want(200).body)
			if !strings.Contains(body, `"OrganisationID":1`) || !strings.Contains(body, `"OrganisationID":2`) {
				t.Errorf("%s: %s", of, body)
			}
		}
	}
}
