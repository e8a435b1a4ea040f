package bridge

import (
	"fmt"
	"strings"

	"cityhub/broker-bridge/payload"
)

// Route says in which format the messages of a topic filter are.
type Route struct {
	Name   string // a metric's label and the quarantine's; unique
	Filter string // an MQTT topic filter
	Format string // as payload.ByName knows it, or "" for topics that carry no reading
	Down   bool   // from the hub to devices: no device may publish there
}

// raw is the format of bytes that the device's model decodes in JavaScript.
const raw = "raw"

// noRoute is the route's name of what no route has a filter for.
const noRoute = "none"

// DefaultRoutes are the native topics and the foreign ones in their usual places.
func DefaultRoutes() []Route {
	return []Route{
		{Name: "native", Filter: "cityhub/v1/+/telemetry", Format: "native"},
		{Name: "senml", Filter: "cityhub/v1/+/senml", Format: "senml"},
		{Name: "senml-cbor", Filter: "cityhub/v1/+/senml-cbor", Format: "senml-cbor"},
		{Name: "ngsi", Filter: "cityhub/v1/+/ngsi", Format: "ngsi"},
		{Name: "raw", Filter: "cityhub/v1/+/raw/+", Format: raw},
		{Name: "status", Filter: "cityhub/v1/+/status"},
		{Name: "commands", Filter: "cityhub/v1/+/commands", Down: true},
		{Name: "chirpstack", Filter: "application/+/device/+/event/+", Format: "chirpstack"},
		{Name: "ttn", Filter: "v3/+/devices/+/up", Format: "ttn"},
		{Name: "ultralight", Filter: "/ul/+/+/attrs", Format: "ultralight"},
		{Name: "zigbee2mqtt", Filter: "zigbee2mqtt/+", Format: "zigbee2mqtt"},
	}
}

// place is where a format's topics name the device, as the index among the
// filter's "+"; so a filter may have any prefix. owned says that the device of
// the topic is the sender, so that the payload cannot speak for another.
type place struct {
	device int
	owned  bool
}

func placeOf(format string) place {
	switch format {
	case "chirpstack", "ttn":
		return place{device: 1}
	case "ultralight":
		return place{device: 1, owned: true}
	case "zigbee2mqtt":
		return place{device: 0}
	}
	return place{device: 0, owned: true}
}

// maxWildcards is how many "+" of a filter are looked at.
const maxWildcards = 4

// route is a Route made ready.
type route struct {
	Route
	place
	format payload.Format
}

func compile(routes []Route) ([]route, error) {
	names := map[string]bool{}
	var out []route
	for _, r := range routes {
		compiled, err := compileOne(r)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", r.Name, err)
		}
		if names[r.Name] {
			return nil, fmt.Errorf("route %q: name: there is another of that name, give each its own", r.Name)
		}
		names[r.Name] = true
		out = append(out, compiled)
	}
	return out, nil
}

func compileOne(r Route) (route, error) {
	out := route{Route: r, place: placeOf(r.Format)}
	if r.Name == "" || r.Filter == "" {
		return out, fmt.Errorf("name and filter must not be empty")
	}
	if at := strings.IndexByte(r.Filter, '#'); at >= 0 && at != len(r.Filter)-1 {
		return out, fmt.Errorf("filter %q: # may only stand at the end", r.Filter)
	}
	if r.Format == "" {
		return out, nil
	}
	if r.Format == raw && strings.Count(r.Filter, "+") < 2 {
		return out, fmt.Errorf("filter %q: format raw needs two +, for the device and for its port", r.Filter)
	}
	var ok bool
	if out.format, ok = payload.ByName(r.Format); !ok {
		return out, fmt.Errorf("format %q: known are %s", r.Format, strings.Join(payload.Names(), ", "))
	}
	return out, nil
}

// match says whether the topic is one of the filter's, and collects what stands
// for its "+". It allocates nothing.
func match(filter, topic string, wild *[maxWildcards]string) bool {
	for n := 0; ; {
		want, restFilter, moreFilter := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		level, restTopic, moreTopic := strings.Cut(topic, "/")
		switch {
		case want == "+":
			if n < maxWildcards {
				wild[n] = level
			}
			n++
		case want != level:
			return false
		}
		if !moreFilter || !moreTopic {
			// "a/#" matches "a" too
			return moreFilter == moreTopic || moreFilter && restFilter == "#"
		}
		filter, topic = restFilter, restTopic
	}
}
