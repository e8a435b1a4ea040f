package citymap

import (
	"errors"
	"fmt"
	"slices"

	"cityhub/geo"
)

// Filter chooses stations beside a window; the zero Filter keeps all.
type Filter struct {
	Zone         string // code, by its boundary of today
	Organisation int64  // id of the owner
	State        string // one of States
}

// Keeper chooses stations by a filter; nil keeps all.
type Keeper struct {
	filter   Filter
	state    int // -1: any
	zone     *geo.Shape
	shapes   *geo.Shapes
	day      geo.Day
	nowhere  bool   // the zone has no boundary today
	revision uint64 // of the shapes
}

// ErrNoZone says that no zone has a filter's code.
var ErrNoZone = errors.New("no zone has this code")

// Keeper makes the keeper of a filter, by the zones as they are now; nil when
// it keeps all. Its error is ErrNoZone.
func (m *Map) Keeper(f Filter) (*Keeper, error) {
	if f == (Filter{}) {
		return nil, nil
	}
	k := &Keeper{filter: f, state: slices.Index(States[:], f.State)}
	if f.Zone == "" {
		return k, nil
	}
	zone, known := m.o.Registry.ZoneByCode(f.Zone)
	if !known {
		return nil, ErrNoZone
	}
	k.day = m.today()
	k.shapes, k.revision = m.o.Registry.Shapes()
	k.zone = m.o.Registry.ZoneShape(zone.ID, k.day)
	k.nowhere = k.zone == nil
	return k, nil
}

// today is the day it is in the city.
func (m *Map) today() geo.Day { return geo.DayOf(m.o.Now().In(m.o.Zone)) }

// Filter is what a keeper was made of.
func (k *Keeper) Filter() Filter {
	if k == nil {
		return Filter{}
	}
	return k.filter
}

// Renew makes a keeper anew where the zones are not as they were when it was
// made, and says so. One whose zone is gone keeps nothing.
func (m *Map) Renew(k *Keeper) (anew *Keeper, changed bool) {
	if k == nil || k.filter.Zone == "" {
		return k, false
	}
	_, revision := m.o.Registry.Shapes()
	day := m.today()
	if k.revision == revision && k.day == day {
		return k, false
	}
	anew, err := m.Keeper(k.filter)
	if err != nil {
		anew = &Keeper{filter: k.filter, state: k.state, nowhere: true, day: day, revision: revision}
	}
	return anew, true
}

// key names what is kept; "" for nil.
func (k *Keeper) key() string {
	if k == nil {
		return ""
	}
	return fmt.Sprintf(" %q %d %d %d", []string{k.filter.Zone, k.filter.State}, k.filter.Organisation, k.day, k.revision)
}

// Narrow gives the part of a window in which what is kept can lie.
func (k *Keeper) Narrow(w *geo.Window) *geo.Window {
	if k == nil || k.zone == nil {
		return w
	}
	zone := k.zone.Window()
	if w == nil {
		return &zone
	}
	if w.MinLon > w.MaxLon { // across the antimeridian: the zone itself decides
		return w
	}
	both := geo.Window{MinLon: max(w.MinLon, zone.MinLon), MinLat: max(w.MinLat, zone.MinLat),
		MaxLon: min(w.MaxLon, zone.MaxLon), MaxLat: min(w.MaxLat, zone.MaxLat)}
	if both.MinLon > both.MaxLon { // apart, not across the antimeridian
		both = geo.Window{MinLat: 1, MaxLat: -1}
	}
	return &both
}

// Keeps says whether a station of an organisation, with a value of a state,
// that stands at a place, nil for none, is kept.
func (k *Keeper) Keeps(organisation int64, state string, at *geo.Position) bool {
	switch {
	case k == nil:
		return true
	case k.nowhere, k.filter.Organisation != 0 && k.filter.Organisation != organisation, k.state >= 0 && States[k.state] != state:
		return false
	case k.zone == nil:
		return true
	}
	// A place on a border is in one zone alone, so it is asked in which.
	return at != nil && k.shapes.Of(k.zone.Kind, *at, k.day) == k.zone
}

// Owns says whether an organisation's stations are kept.
func (k *Keeper) Owns(organisation int64) bool {
	return k == nil || k.filter.Organisation == 0 || k.filter.Organisation == organisation
}

// Holds says whether a place, nil for none, is in the zone that is asked for.
func (k *Keeper) Holds(at *geo.Position) bool {
	switch {
	case k == nil, k.zone == nil && !k.nowhere:
		return true
	case k.nowhere, at == nil:
		return false
	}
	return k.shapes.Of(k.zone.Kind, *at, k.day) == k.zone
}
