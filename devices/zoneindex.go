package devices

import (
	"cmp"
	"slices"
	"strings"

	"cityhub/geo"
)

// zoning is the part of the index that knows the zones. Shapes are replaced,
// never changed, so that whoever was given one may keep it.
type zoning struct {
	zones    map[int64]Zone
	codes    map[string]int64
	of       map[int64][]*geo.Shape // by zone
	shapes   *geo.Shapes
	revision uint64
}

func newZoning() zoning {
	return zoning{zones: map[int64]Zone{}, codes: map[string]int64{}, of: map[int64][]*geo.Shape{}, shapes: geo.NewShapes()}
}

func (x *index) enterZone(z Zone) {
	old, known := x.zones[z.ID]
	delete(x.codes, old.Code)
	x.zones[z.ID], x.codes[z.Code] = z, z.ID
	x.revision++
	if !known || old.Code == z.Code && old.Kind == z.Kind {
		return
	}
	for i, s := range x.of[z.ID] {
		renamed := *s
		renamed.Code, renamed.Kind = z.Code, z.Kind
		x.shapes = x.shapes.Without(s).With(&renamed)
		x.of[z.ID][i] = &renamed
	}
}

func (x *index) leaveZone(z Zone) {
	for _, s := range x.of[z.ID] {
		x.shapes = x.shapes.Without(s)
	}
	delete(x.of, z.ID)
	delete(x.zones, z.ID)
	delete(x.codes, z.Code)
	x.revision++
}

func (x *index) enterZoneVersion(v ZoneVersion) {
	x.leaveZoneVersion(v)
	zone := x.zones[v.ZoneID]
	s := &geo.Shape{Outline: geo.NewOutline(v.Area), Ref: v.ID, Zone: zone.ID, Kind: zone.Kind, Code: zone.Code, From: v.From, To: v.To}
	x.shapes = x.shapes.With(s)
	x.of[v.ZoneID] = append(x.of[v.ZoneID], s)
}

func (x *index) leaveZoneVersion(v ZoneVersion) {
	x.revision++
	x.of[v.ZoneID] = slices.DeleteFunc(x.of[v.ZoneID], func(s *geo.Shape) bool {
		if s.Ref == v.ID {
			x.shapes = x.shapes.Without(s)
		}
		return s.Ref == v.ID
	})
}

// Shapes is the index of all zones' geometries as it is now, which never
// changes, and its revision, which does whenever a zone or a geometry changes.
func (r *Registry) Shapes() (shapes *geo.Shapes, revision uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index.shapes, r.index.revision
}

// Zone finds a zone by id.
func (r *Registry) Zone(id int64) (Zone, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	z, ok := r.index.zones[id]
	return z, ok
}

// ZoneByCode finds a zone by code.
func (r *Registry) ZoneByCode(code string) (Zone, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	z, ok := r.index.zones[r.index.codes[code]]
	return z, ok
}

// ZoneShape gives a zone's geometry on a day; nil when it has none.
func (r *Registry) ZoneShape(id int64, day geo.Day) *geo.Shape {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, s := range r.index.of[id] {
		if s.On(day) {
			return s
		}
	}
	return nil
}

// ZonesOn gives the geometries of all zones of a kind on a day, by code.
func (r *Registry) ZonesOn(kind string, day geo.Day) []*geo.Shape {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []*geo.Shape
	for id, z := range r.index.zones {
		if z.Kind != kind {
			continue
		}
		for _, s := range r.index.of[id] {
			if s.On(day) {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b *geo.Shape) int { return strings.Compare(a.Code, b.Code) })
	return found
}

// ZonesBetween gives the geometries of all zones of a kind that were valid on
// any day from first to last, by code and age.
func (r *Registry) ZonesBetween(kind string, first, last geo.Day) []*geo.Shape {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []*geo.Shape
	for id, z := range r.index.zones {
		if z.Kind != kind {
			continue
		}
		for _, s := range r.index.of[id] {
			if s.From <= last && (s.To == 0 || first < s.To) {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b *geo.Shape) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), cmp.Compare(a.From, b.From))
	})
	return found
}
