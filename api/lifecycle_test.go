package api_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cityhub/database"
	"cityhub/testbed"
)

// onBothStores runs a test on a hub with each kind of registry.
func onBothStores(t *testing.T, test func(h *hub)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(newHubOn(t, database.Options{SQLitePath: filepath.Join(t.TempDir(), "hub.db")}))
	})
	t.Run("postgres", func(t *testing.T) {
		test(newHubOn(t, database.Options{PostgresURL: testbed.PostgreSQL(t).URL}))
	})
}

// move posts a move of a device, named by code.
func (h *hub) move(device, name, body string, headers ...string) reply {
	h.t.Helper()
	return h.call(http.MethodPost, fmt.Sprintf("devices/%d/%s", h.idOf("devices", device), name), body, headers...)
}

func (h *hub) idOf(noun, code string) int64 {
	h.t.Helper()
	items := h.get(noun + "?code=" + code).want(200).items()
	if len(items) != 1 {
		h.t.Fatalf("%d %s of code %s", len(items), noun, code)
	}
	return int64(items[0].(map[string]any)["id"].(float64))
}

func (h *hub) ingested(device, time, values string) {
	h.t.Helper()
	h.post("ingest", fmt.Sprintf(`{"device":%q,"time":%q,"values":%s}`, device, time, values)).want(202)
}

// readings are the results of a datastream, oldest first.
func (h *hub) readings(stream int64) string {
	h.t.Helper()
	var found []string
	for _, item := range h.get(fmt.Sprintf("datastreams/%d/observations?datetime=../..", stream)).want(200).items() {
		found = append(found, fmt.Sprint(item.(map[string]any)["result"]))
	}
	return strings.Join(found, " ")
}

// A device's life from its first thing to its end, with a device of another
// model taking over and a late reading of the old one.
func TestADevicesLife(t *testing.T) {
	onBothStores(t, func(h *hub) {
		h.city()
		h.post("sensors", `{"code":"air-2","channels":[{"key":"T","property":"temperature","unit":"°C"},{"key":"note","property":"note","kind":"text"},
			{"key":"PM","property":"pm25","unit":"µg/m³"},{"key":"open","property":"door","kind":"boolean"}]}`).want(201)
		h.post("devices", `{"code":"old","model":"air","organisation":"HN"}`).want(201)
		h.post("devices", `{"code":"new","model":"air-2","organisation":"HN"}`).want(201)
		day := h.now().UTC().AddDate(0, 0, -2).Format("2006-01-02")
		hour := func(n int) string { return fmt.Sprintf("%sT%02d:00:00Z", day, n) }
		r := h.move("old", "deploy", `{"newThing":{"code":"st-2","name":"Hồ Tây"},"from":"`+hour(1)+`","position":[105.82,21.05],"accuracy":4,"reason":"Lắp mới"}`).want(200)
		if v := r.json(); v["state"] != "deployed" || v["thing"] != "st-2" || v["deployment"] == nil {
			h.t.Errorf("%s", r.body)
		}
		if v := h.get("things?code=st-2").items()[0].(map[string]any); fmt.Sprint(v["position"]) != "[105.82 21.05]" || v["organisation"] != "HN" {
			h.t.Errorf("the new thing: %v", v)
		}
		stream := h.stream("st-2", "pm25")
		h.ingested("old", hour(2), `{"pm25":1,"temp":20}`)
		h.move("old", "maintenance", `{"action":"begin"}`).want(200)
		h.move("old", "maintenance", `{"action":"end"}`).want(200)
		h.move("old", "replace", `{"with":"new","at":"`+hour(5)+`","reason":"Hỏng"}`).want(200)
		h.ingested("new", hour(6), `{"PM":3,"T":22}`)
		h.ingested("old", hour(4), `{"pm25":2}`) // late
		h.stored()
		if got := h.readings(stream); got != "1 2 3" {
			h.t.Errorf("pm25 of the station: %s", got)
		}
		if got := h.readings(h.stream("st-2", "temperature")); got != "20 22" {
			h.t.Errorf("temperature of the station: %s", got)
		}
		h.move("new", "recall", `{"at":"`+hour(7)+`"}`).want(200)
		if v := h.move("new", "retire", `{}`).want(200).json(); v["state"] != "retired" || v["thing"] != nil {
			h.t.Errorf("%v", v)
		}
		h.eventsOf("old", "register deploy begin-maintenance end-maintenance replace")
		h.eventsOf("new", "register deploy recall retire")
	})
}

// eventsOf checks the kinds of a device's events, read in pages of two.
func (h *hub) eventsOf(device, want string) {
	h.t.Helper()
	var kinds []string
	for next := fmt.Sprintf("/api/v1/devices/%d/events?limit=2", h.idOf("devices", device)); next != ""; {
		page := h.get(next).want(200)
		for _, item := range page.items() {
			kinds = append(kinds, item.(map[string]any)["kind"].(string))
		}
		next, _ = page.json()["next"].(string)
	}
	if got := strings.Join(kinds, " "); got != want {
		h.t.Errorf("%s: %s, want %s", device, got, want)
	}
}

func TestRefusedMovesSayWhatIsPossible(t *testing.T) {
	h := newHub(t)
	h.city()
	r := h.move("dev-1", "deploy", `{"thing":"st-1"}`).want(409)
	if v := r.json(); fmt.Sprint(v["legal"]) != "[replace recall begin-maintenance hand-over]" || !strings.Contains(v["detail"].(string), "deployed at st-1 since 2020-01-01T00:00:00Z, by ") {
		t.Errorf("%s", r.body)
	}
	r = h.move("dev-1", "retire", `{}`, "Accept-Language: vi").want(409)
	if v := r.json(); !strings.Contains(v["detail"].(string), `thiết bị "dev-1" đang lắp đặt tại st-1 từ 2020-01-01T00:00:00Z`) || !strings.Contains(v["detail"].(string), "có thể: thay thế, thu hồi") {
		t.Errorf("%s", r.body)
	}
	h.post("sensors", `{"code":"noise","channels":[{"key":"a","property":"laeq","unit":"dB"},{"key":"t","property":"temperature","unit":"K"}]}`).want(201)
	h.post("devices", `{"code":"dev-2","model":"noise","organisation":"HN"}`).want(201)
	r = h.move("dev-1", "replace", `{"with":"dev-2"}`, "Accept-Language: vi").want(409)
	if v := r.json(); len(v["differences"].([]any)) != 5 || !strings.Contains(v["detail"].(string), `temperature có đơn vị "K" thay vì "°C"`) {
		t.Errorf("%s", r.body)
	}
	h.move("dev-1", "replace", `{"with":"nobody"}`).want(404)
	for name, c := range map[string]struct {
		move, body string
		status     int
		says       string
	}{
		"no thing":           {"deploy", `{}`, 422, "thing"},
		"two things":         {"deploy", `{"thing":"st-1","newThing":{"code":"x"}}`, 422, "thing"},
		"unknown thing":      {"deploy", `{"thing":"nowhere"}`, 404, "nowhere"},
		"taken code":         {"deploy", `{"newThing":{"code":"st-1"}}`, 409, "taken"},
		"future":             {"deploy", `{"thing":"st-1","from":"2200-01-01T00:00:00Z"}`, 422, "from"},
		"off":                {"deploy", `{"thing":"st-1","position":[105,91]}`, 422, "position"},
		"nothing to end":     {"maintenance", `{"action":"end"}`, 409, "end-maintenance is not possible"},
		"no such work":       {"maintenance", `{"action":"pause"}`, 422, "action"},
		"to nobody":          {"hand-over", `{"to":"nobody"}`, 422, "to"},
		"to itself":          {"hand-over", `{"to":"HN"}`, 409, "already"},
		"a word too many":    {"recall", `{"when":"now"}`, 422, "when"},
		"not there":          {"recall", `{}`, 409, "recall is not possible"},
		"an endless reason":  {"retire", `{"reason":"` + strings.Repeat("x", 2001) + `"}`, 422, "reason"},
		"negative metres":    {"retire", `{"position":[105,21],"accuracy":-1}`, 422, "accuracy"},
		"before it was made": {"retire", `{"at":"1969-01-01T00:00:00Z"}`, 422, "at"},
	} {
		if r := h.move("dev-2", c.move, c.body); r.status != c.status || !strings.Contains(string(r.body), c.says) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	h.eventsOf("dev-2", "register")
}

// Two technicians put the same device at two things at once.
func TestOneOfTwoTechniciansDeploysADevice(t *testing.T) {
	onBothStores(t, func(h *hub) {
		h.city()
		h.post("devices", `{"code":"d","model":"air","organisation":"HN"}`).want(201)
		id := h.idOf("devices", "d")
		var both sync.WaitGroup
		replies := make([]reply, 2)
		for i := range replies {
			both.Go(func() {
				replies[i] = h.post(fmt.Sprintf("devices/%d/deploy", id), fmt.Sprintf(`{"newThing":{"code":"t%d"}}`, i))
			})
		}
		both.Wait()
		if replies[0].status == 409 {
			replies[0], replies[1] = replies[1], replies[0]
		}
		replies[0].want(200)
		thing := replies[0].json()["thing"].(string)
		if detail := replies[1].want(409).json()["detail"].(string); !strings.Contains(detail, "deployed at "+thing+" since 20") || !strings.Contains(detail, ", by ") {
			h.t.Error(detail)
		}
		if n := len(h.get("things").items()); n != 2 { // st-1, and the winner's
			h.t.Errorf("%d things: the loser left one", n)
		}
		h.eventsOf("d", "register deploy")
	})
}
