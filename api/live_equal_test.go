package api_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cityhub/access"
	"cityhub/api"
	"cityhub/geo"
	"cityhub/telemetry"
)

const patch = "Content-Type: application/merge-patch+json"

// watched is a city of two organisations, one station with two devices and a
// bus, with viewers of different filters and rights.
type watched struct {
	*hub
	things  map[string]int64
	devices []string
	viewers []*watcher
	named   int
}

// watcher is a viewer with what it asks for.
type watcher struct {
	*viewer
	key, filter string
	properties  []string
}

func watchedCity(t *testing.T) *watched {
	h := newHub(t, func(o *api.Options) { o.Live.Tend = 10 * time.Millisecond })
	h.city()
	other := h.post("organisations", `{"code":"OTHER"}`).want(201).id()
	c := &watched{hub: h, things: map[string]int64{}}
	for i, thing := range []string{"a0", "a1", "a2", "b0", "b1", "bus"} {
		organisation := map[bool]string{true: "OTHER", false: "HN"}[thing[0] == 'b']
		c.things[thing] = h.post("things", fmt.Sprintf(`{"code":%q,"organisation":%q,"mobile":%t,"position":[%g,21.03]}`,
			thing, organisation, thing == "bus", 105.8+float64(i)/100)).want(201).id()
		c.deploy(thing, thing)
	}
	c.deploy("a0-second", "a0")
	c.shape("105.83")
	city := h.key
	theirs := h.newKey(access.Viewer, other)
	for _, w := range []watcher{
		{key: city, properties: []string{"pm25", "temperature"}},
		{key: city, filter: "&bbox=105.815,21,105.835,22", properties: []string{"pm25"}},
		{key: city, filter: "&zone=W", properties: []string{"pm25"}},
		{key: city, filter: "&organisation=OTHER", properties: []string{"pm25"}},
		{key: theirs, properties: []string{"temperature", "pm25"}},
		{key: theirs, filter: "&bbox=105.8,21,105.83,22", properties: []string{"pm25"}},
	} {
		c.viewers = append(c.viewers, &w)
		c.open(&w, "")
	}
	return c
}

func (c *watched) deploy(device, thing string) {
	organisation := map[bool]string{true: "OTHER", false: "HN"}[thing[0] == 'b']
	c.post("devices", fmt.Sprintf(`{"code":%q,"model":"air","organisation":%q}`, device, organisation)).want(201)
	c.post("deployments", fmt.Sprintf(`{"device":%q,"thing":%q,"from":"2020-01-01T00:00:00Z"}`, device, thing)).want(201)
	c.devices = append(c.devices, device)
}

// shape gives zone W an eastern border.
func (c *watched) shape(east string) {
	shape := fmt.Sprintf(`{"type":"Polygon","coordinates":[[[105.7,21],[%s,21],[%s,21.1],[105.7,21.1],[105.7,21]]]}`, east, east)
	if zone := c.things["zone"]; zone != 0 {
		c.call("POST", fmt.Sprintf("zones/%d/versions", zone), fmt.Sprintf(`{"geometry":%s,"validFrom":"2020-01-01"}`, shape))
		return
	}
	c.things["zone"] = c.post("zones", fmt.Sprintf(`{"code":"W","kind":"ward","geometry":%s,"validFrom":"2020-01-01"}`, shape)).want(201).id()
}

// open follows, from an id where there is one.
func (c *watched) open(w *watcher, after string) {
	admin := c.key
	c.key = w.key
	query := "property=" + w.properties[0]
	if len(w.properties) > 1 {
		query += "," + w.properties[1]
	}
	next := c.follow(query+w.filter, after)
	if w.viewer != nil {
		next.features, next.id = w.features, w.id
	}
	w.viewer, c.key = next, admin
}

// act does something that changes what is to be seen, or not.
func (c *watched) act(t *rapid.T) {
	device := rapid.SampledFrom(c.devices).Draw(t, "device")
	thing := rapid.SampledFrom([]string{"a0", "a1", "a2", "b0", "b1", "bus"}).Draw(t, "thing")
	property := rapid.SampledFrom([]string{"pm25", "temperature"}).Draw(t, "property")
	at := geo.Position{Lon: 105.8 + float64(rapid.IntRange(0, 50).Draw(t, "lon"))/1000, Lat: 21.03}
	target := must(c.registry.Resolve(device, c.now()))(c.t)
	switch rapid.SampledFrom([]string{"read", "read", "read", "meet", "late", "move", "publish", "rename", "place", "alarm", "age", "zone", "back"}).Draw(t, "act") {
	case "read":
		c.read(target.Series.ID, property, c.now())
	case "meet": // two datastreams of one station, read on the full minute
		for _, device := range []string{"a0-second", "a0"} {
			at := must(c.registry.Resolve(device, c.now()))(c.t)
			c.read(at.Series.ID, property, c.now().Truncate(time.Minute))
		}
	case "late":
		c.read(target.Series.ID, property, c.now().Add(-time.Hour))
	case "move":
		c.server.Move(c.things["bus"], at, c.now().UnixNano())
	case "publish":
		how := rapid.SampledFrom([]string{"public", "internal", "private"}).Draw(t, "how")
		c.post("publications", fmt.Sprintf(`{"publication":%q,"thing":%q}`, how, thing)).want(200)
	case "rename":
		c.named++
		c.call("PATCH", fmt.Sprintf("things/%d", c.things[thing]), fmt.Sprintf(`{"name":"%d"}`, c.named), patch).want(200)
	case "place":
		c.call("PATCH", fmt.Sprintf("things/%d", c.things[thing]), fmt.Sprintf(`{"position":[%g,%g]}`, at.Lon, at.Lat), patch).want(200)
	case "alarm":
		c.server.Alarm(property, target.Series.ID, telemetry.Severity(rapid.IntRange(0, 5).Draw(t, "severity")))
	case "age":
		c.ahead.Add(int64(16 * time.Minute))
	case "zone":
		c.shape(rapid.SampledFrom([]string{"105.81", "105.83", "105.9"}).Draw(t, "border"))
	case "back":
		w := rapid.SampledFrom(c.viewers).Draw(t, "viewer")
		w.leave()
		c.open(w, w.id)
	}
}

func (c *watched) read(group int64, property string, at time.Time) {
	c.named++
	lines := []telemetry.Line{{Group: group, Time: at.UnixNano(), Received: c.now().UnixNano(),
		Fields: []telemetry.Field{{Property: property, Slot: map[string]int{"pm25": 0, "temperature": 1}[property], Value: telemetry.NumberOf(float64(c.named))}}}}
	c.latest.Tell(lines)
	c.server.Tell(lines)
}

// TestLiveEqualsLatest holds, of any sequence of changes, that the snapshot and
// the deltas that a client has taken in are in the end what /latest shows it,
// whatever its filter and its rights, and however often it came back.
func TestLiveEqualsLatest(t *testing.T) {
	c := watchedCity(t)
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(t, "acts") {
			c.act(t)
		}
		admin := c.key
		defer func() { c.key = admin }()
		for _, w := range c.viewers {
			c.key = w.key
			w.until("the picture is that of /latest"+w.filter, func() bool { return w.same(c.latestOf(w.filter, w.properties...)) })
		}
	})
}
