package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cityhub/access"
	"cityhub/telemetry"
)

// played tells a playback: the stations, then a part a frame with its values
// and the places of what moves.
func (h *hub) played(query string, headers ...string) string {
	h.t.Helper()
	var answer struct {
		Stations []struct {
			Thing    string
			Position []float64
			Moves    bool
		}
		Frames []struct {
			From   time.Time
			Values []*float64
			Places [][]float64
		}
	}
	r := h.get("playback?property=pm25"+query, headers...).want(200)
	check(h.t, json.Unmarshal(r.body, &answer))
	var parts, names []string
	for _, s := range answer.Stations {
		name := s.Thing
		if s.Moves {
			name += "~"
		}
		if s.Moves != (s.Position == nil) {
			name += "?"
		}
		names = append(names, name)
	}
	parts = append(parts, strings.Join(names, " "))
	for _, f := range answer.Frames {
		part := f.From.In(hanoi).Format("02T15:04")
		for _, v := range f.Values {
			if v == nil {
				part += " -"
			} else {
				part += fmt.Sprintf(" %g", *v)
			}
		}
		for _, p := range f.Places {
			part += fmt.Sprintf(" %g@%g", p[0], p[1])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func TestPlayback(t *testing.T) {
	onBothArchives(t, func(t *testing.T, archive func(testing.TB) telemetry.Archive) {
		h := splitCity(t, archive)
		second, tenth := between(t, "2026-02-02 08:00", "2026-02-02 09:00"), between(t, "2026-02-10 09:00", "2026-02-10 09:30")
		fifteenth := between(t, "2026-02-15 09:00", "2026-02-15 12:00")
		const west, all = "&bbox=105.8,21,105.85,21.1", "&bbox=105.8,21,105.9,21.1"
		for query, want := range map[string]string{
			second + west + "&step=PT30M":                                          "a c; 02T08:00 10 -; 02T08:30 20 -",
			second + west + "&step=PT30M&zone=W":                                   "a c; 02T08:00 10 -; 02T08:30 20 -",
			second + all + "&step=PT30M&zone=E":                                    "st-1 b; 02T08:00 - -; 02T08:30 - -",
			second + west + "&step=PT1H":                                           "a c; 02T08:00 15 -",
			second + west + "&step=PT6H&fn=last":                                   "a c; 02T06:00 20 -",
			second + west + "&step=PT6H&fn=min":                                    "a c; 02T06:00 10 -",
			second + west + "&step=PT15M&fn=max":                                   "a c; 02T08:00 10 -; 02T08:15 - -; 02T08:30 20 -; 02T08:45 - -",
			second + all + "&organisation=HN":                                      "st-1 a b c; 02T08:00 - 15 - -",
			second + "&zone=N":                                                     "; 02T08:00",
			fifteenth + all:                                                        "st-1 a b c~; 15T09:00 - - - -; 15T10:00 - - - 6 3@105.87; 15T11:00 - - - -",
			fifteenth + west:                                                       "a c~; 15T09:00 - -; 15T10:00 - 5 1@105.83; 15T11:00 - -",
			fifteenth + all + "&step=P1D":                                          "st-1 a b c~; 15T00:00 - - - 6 3@105.87",
			fifteenth + all + "&step=PT1H&fn=last":                                 "st-1 a b c~; 15T09:00 - - - -; 15T10:00 - - - 7 3@105.87; 15T11:00 - - - -",
			tenth + all + "&step=PT10M":                                            "st-1 a b c bus~; 10T09:00 - - - - 50 4@105.81; 10T09:10 - - - - 60 4@105.89; 10T09:20 - - - - -",
			tenth + all + "&step=PT1H":                                             "st-1 a b c bus~; 10T09:00 - - - - 55 4@105.89",
			tenth + west + "&step=PT10M":                                           "a c bus~; 10T09:00 - - 50 2@105.81; 10T09:10 - - -; 10T09:20 - - -",
			tenth + "&step=PT10M&organisation=HN":                                  "st-1 a b c bus~; 10T09:00 - - - - 50 4@105.81; 10T09:10 - - - - 60 4@105.89; 10T09:20 - - - - 70",
			second + west + "&step=PT10M&fn=last":                                  "a c; 02T08:00 - -; 02T08:10 10 -; 02T08:20 - -; 02T08:30 - -; 02T08:40 20 -; 02T08:50 - -",
			between(t, "2026-02-02 00:00", "2026-02-04 00:00") + all + "&step=P1D": "st-1 a b c; 02T00:00 - 15 - -; 03T00:00 - - 100 -",
		} {
			if got := h.played(query); got != want {
				t.Errorf("%s\n got %s\nwant %s", query, got, want)
			}
		}
	})
}

func TestPlaybackObeysItsBounds(t *testing.T) {
	h := splitCity(t, nil)
	second := between(t, "2026-02-02 08:00", "2026-02-02 09:00")
	etag := h.get("playback?property=pm25" + second).want(200).header.Get("ETag")
	if etag == "" {
		t.Fatal("a span that is over has no ETag")
	}
	h.get("playback?property=pm25"+second, "If-None-Match: "+etag).want(304)
	if got := h.get("playback?property=pm25").want(200); got.header.Get("ETag") != "" {
		t.Error("what still changes has a tag")
	}
	h.post("organisations", `{"code":"XX"}`).want(201)
	stranger := h.newKey(access.Viewer, int64(h.get("organisations?code=XX").items()[0].(map[string]any)["id"].(float64)))
	if got := h.played(second, "Authorization: Bearer "+stranger); got != "; 02T08:00" {
		t.Errorf("a stranger sees %s", got)
	}
	for query, field := range map[string]string{
		"property=note":                                           "property",
		"property=pm25&step=PT7M":                                 "step",
		"property=pm25&step=PT90M":                                "step",
		"property=pm25&step=PT5H":                                 "step",
		"property=pm25&step=P2D":                                  "step",
		"property=pm25&step=PT0S":                                 "step",
		"property=pm25&step=fast":                                 "step",
		"property=pm25&step=PT1S":                                 "step",
		"property=pm25&bbox=1":                                    "bbox",
		"property=pm25&zone=nowhere":                              "zone",
		"property=pm25&organisation=nobody":                       "organisation",
		"property=pm25&datetime=2200-01-01T00:00:00Z/..":          "datetime",
		"property=pm25&datetime=2026-02-01T00:00:00Z":             "datetime",
		"property=pm25&fn=median":                                 "fn",
		"property=pm25&step=P1D&datetime=..":                      "datetime",
		"property=pm25&step=P1D&datetime=../2026-02-01T00:00:00Z": "datetime",
	} {
		r := h.get("playback?" + query).want(400)
		if got := r.json()["errors"].([]any)[0].(map[string]any)["field"]; got != field && got != "query."+field {
			t.Errorf("%s: at fault is %v, want %s: %s", query, got, field, r.body)
		}
	}
	h.get("playback?property=none").want(404)
	h.get("playback").want(400)
}

// A reading that comes hours late changes the roll-up, the zone statistic and
// the frame of its own hour, and the newest value only if it is newer.
func TestLateReadingsChangeTheirOwnHour(t *testing.T) {
	onBothArchives(t, func(t *testing.T, archive func(testing.TB) telemetry.Archive) {
		h := splitCity(t, archive)
		h.read(t, "a", "2026-03-03 05:10", "100")
		h.set(clock(t, "2026-03-03 11:00"))
		h.stored()
		check(t, h.roller.Step(t.Context()))
		hour := between(t, "2026-03-03 04:00", "2026-03-03 07:00")
		told := func() string {
			t.Helper()
			h.stored()
			check(t, h.roller.Step(t.Context()))
			hours := ""
			for _, item := range h.get(fmt.Sprintf("datastreams/%d/aggregates?window=PT1H%s", h.stream("a", "pm25"), hour)).want(200).items() {
				i := item.(map[string]any)
				hours += fmt.Sprintf(" %v/%v", i["mean"], i["count"])
			}
			return fmt.Sprintf("latest %s|hours%s|zone %s|frames %s", h.seen("latest?property=pm25&zone=W"), hours,
				h.zoneRows("&zone=W&window=PT1H"+hour), h.played("&bbox=105.815,21,105.825,21.1"+hour))
		}
		for _, step := range []struct{ at, value, want string }{
			{"2026-03-03 05:20", "", "latest [a 100 stale]|hours 100/1|" +
				"zone W 03T04 0/0 - - - -; W 03T05 1/1 100 100 100 100; W 03T06 0/0 - - - -|frames a; 03T04:00 -; 03T05:00 100; 03T06:00 -"},
			{"2026-03-03 05:05", "20", "latest [a 100 stale]|hours 60/2|" + // older than the newest
				"zone W 03T04 0/0 - - - -; W 03T05 2/1 60 20 100 120; W 03T06 0/0 - - - -|frames a; 03T04:00 -; 03T05:00 60; 03T06:00 -"},
			{"2026-03-03 06:30", "8", "latest [a 8 stale]|hours 60/2 8/1|" + // late, and yet the newest
				"zone W 03T04 0/0 - - - -; W 03T05 2/1 60 20 100 120; W 03T06 1/1 8 8 8 8|frames a; 03T04:00 -; 03T05:00 60; 03T06:00 8"},
		} {
			if step.value != "" {
				h.read(t, "a", step.at, step.value)
			}
			if got := told(); got != step.want {
				t.Errorf("after %s at %s\n got %s\nwant %s", step.value, step.at, got, step.want)
			}
		}
	})
}
