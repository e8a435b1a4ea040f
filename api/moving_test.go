package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"cityhub/geo"
	"cityhub/telemetry"
)

// bus makes a station a mobile thing.
func (h *hub) bus(code string) (thing, group int64) {
	h.t.Helper()
	target := must(h.registry.Resolve(code, h.now().Add(time.Hour)))(h.t)
	h.call(http.MethodPatch, fmt.Sprintf("things/%d", target.Station.ID), `{"mobile":true}`, "Content-Type: application/merge-patch+json").want(200)
	return target.Station.ID, target.Series.ID
}

func TestAMobileThingStandsWhereItIsNow(t *testing.T) {
	h := mapCity(t)
	thing, group := h.bus("d")
	const west, east = "map/clusters?property=pm25&zoom=18&bbox=105,20,105.84,22", "map/clusters?property=pm25&zoom=18&bbox=106,20,107,21"
	if got := h.seen(east); got != "[d 5 ok]" {
		t.Fatalf("before it moves: %s", got)
	}
	now := h.now()
	h.server.Move(thing, geo.Position{Lon: 105.5, Lat: 21}, now.UnixNano())
	if got := h.seen(west) + h.seen(east); got != "[d 5 ok][]" {
		t.Errorf("after a move: %s", got)
	}
	if got := h.seen("latest?property=pm25&bbox=105,20,105.84,22"); got != "[d 5 ok]" {
		t.Errorf("/latest after a move: %s", got)
	}
	h.server.Move(thing, geo.Position{Lon: 106.5, Lat: 21}, now.Add(-time.Minute).UnixNano())
	if got := h.seen(west) + h.seen(east); got != "[d 5 ok][]" {
		t.Errorf("after an older place was told: %s", got)
	}
	lines := []telemetry.Line{{Group: group, Time: now.Add(time.Second).UnixNano(), Position: &geo.Position{Lon: 106.6, Lat: 20.9},
		Fields: []telemetry.Field{{Property: "pm25", Value: telemetry.NumberOf(6)}}}}
	h.latest.Tell(lines)
	h.places.Tell(lines)
	h.server.Tell(lines)
	if got := h.seen(west) + h.seen(east); got != "[][d 6 ok]" {
		t.Errorf("after a reading with a place: %s", got)
	}
}

func TestAnAlarmIsTheWorstState(t *testing.T) {
	h := mapCity(t)
	const all = "map/clusters?property=pm25&zoom=0"
	group := must(h.registry.Resolve("a", h.now().Add(time.Hour)))(t).Series.ID
	for _, c := range []struct {
		severity      telemetry.Severity
		cluster, kept string
	}{
		{telemetry.Calm, "[4: 5 23.75 60 stale]", "[]"},
		{telemetry.Warning, "[4: 5 23.75 60 warning]", "[]"},
		{telemetry.Critical, "[4: 5 23.75 60 critical]", "[a 10 critical]"},
		{telemetry.Calm, "[4: 5 23.75 60 stale]", "[]"},
	} {
		h.server.Alarm("pm25", group, c.severity)
		h.tell(group, h.now(), 10) // a reading ends no alarm
		if got := h.seen(all); got != c.cluster {
			t.Errorf("%v: %s, want %s", c.severity, got, c.cluster)
		}
		if got := h.seen("latest?property=pm25&state=critical"); got != c.kept {
			t.Errorf("%v: critical are %s, want %s", c.severity, got, c.kept)
		}
	}
	h.server.Alarm("pm25", 1<<40, telemetry.Major) // of nobody: no harm
}
