package geofence

import (
	"slices"
	"time"

	"cityhub/devices"
	"cityhub/geo"
)

// Registry is what is asked of the register; *devices.Registry is one.
type Registry interface {
	Series(group int64) (devices.Target, error)
	Fences() []devices.Fence
	ZoneShape(zone int64, day geo.Day) *geo.Shape
	Revision() uint64
}

// post is a fence with its boundary on a day.
type post struct {
	devices.Fence
	outline *geo.Outline // nil: its zone is nowhere on that day
	window  geo.Window
	since   int64 // Since, in nanoseconds
}

// watches says whether a fence watches a station.
func (p *post) watches(station *devices.Station) bool {
	if p.OrganisationID != 0 && p.OrganisationID != station.OrganisationID {
		return false
	}
	return len(p.Things) == 0 || slices.Contains(p.Things, station.ID)
}

func (p *post) side(at geo.Position) side {
	switch {
	case p.outline == nil:
		return outside
	case p.outline.Contains(at):
		return inside
	case p.Metres > 0 && p.outline.Near(at, p.Metres):
		return margin
	}
	return outside
}

// posts are all fences on one day of the city.
type posts struct {
	from, to int64 // the day, nanoseconds
	all      []post
}

// calendar gives the fences of a day; it makes them anew when the register has
// changed.
type calendar struct {
	registry Registry
	zone     *time.Location
	revision uint64
	days     []*posts
}

// daysKept bounds the days that are held: backlogs come in order of time.
const daysKept = 8

// look takes over what the register has changed.
func (c *calendar) look() {
	if revision := c.registry.Revision(); revision != c.revision {
		c.revision, c.days = revision, nil
	}
}

// on gives the fences at an instant.
func (c *calendar) on(at int64) *posts {
	for _, d := range c.days {
		if d.from <= at && at < d.to {
			return d
		}
	}
	t := time.Unix(0, at).In(c.zone)
	start := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, c.zone)
	d := &posts{from: start.UnixNano(), to: start.AddDate(0, 0, 1).UnixNano()}
	day := geo.DayOf(t)
	for _, f := range c.registry.Fences() {
		p := post{Fence: f, since: f.Since.UnixNano(), window: geo.Window{MinLon: 1, MaxLon: -1, MinLat: 1, MaxLat: -1}}
		if shape := c.registry.ZoneShape(f.ZoneID, day); shape != nil {
			p.outline, p.window = shape.Outline, shape.Window()
		}
		d.all = append(d.all, p)
	}
	if len(c.days) == daysKept {
		c.days = c.days[1:]
	}
	c.days = append(c.days, d)
	return d
}
