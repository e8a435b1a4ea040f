package api

import (
	"context"
	"slices"

	"cityhub/geo"
)

// Filter are the parameters that choose stations beside a window.
type Filter struct {
	Zone         string `query:"zone" doc:"Code of a zone, by its boundary of today"`
	Organisation string `query:"organisation" doc:"Code or id of the stations' owner"`
	State        string `query:"state" enum:"ok,unknown,stale,info,warning,minor,major,critical" doc:"Of the value"`
}

// keeper chooses stations; nil keeps all.
type keeper struct {
	organisation int64 // 0: any
	state        int   // -1: any
	zone         *geo.Shape
	shapes       *geo.Shapes
	day          geo.Day
	nowhere      bool // the zone has no boundary today
	filter       Filter
	revision     uint64 // of the shapes
}

// keeper reads a filter; nil when it keeps all.
func (s *Server) keeper(ctx context.Context, f Filter) (*keeper, error) {
	if f == (Filter{}) {
		return nil, nil
	}
	k := &keeper{filter: f, state: slices.Index(states[:], f.State)}
	if f.Organisation != "" {
		id, err := filterID(ctx, s.o.Registry.Organisations, "organisation", f.Organisation, organisationID)
		if err != nil {
			return nil, err
		}
		k.organisation = id
	}
	if f.Zone == "" {
		return k, nil
	}
	zone, known := s.o.Registry.ZoneByCode(f.Zone)
	if !known {
		return nil, badParameter("zone", "no zone has this code")
	}
	k.day = s.today()
	k.shapes, k.revision = s.o.Registry.Shapes()
	k.zone = s.o.Registry.ZoneShape(zone.ID, k.day)
	k.nowhere = k.zone == nil
	return k, nil
}

// narrow gives the part of a window in which what is kept can lie.
func (k *keeper) narrow(w *geo.Window) *geo.Window {
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

func (k *keeper) keeps(organisation int64, state string, at *geo.Position) bool {
	switch {
	case k == nil:
		return true
	case k.nowhere, k.organisation != 0 && k.organisation != organisation, k.state >= 0 && states[k.state] != state:
		return false
	case k.zone == nil:
		return true
	}
	// A place on a border is in one zone alone, so it is asked in which.
	return at != nil && k.shapes.Of(k.zone.Kind, *at, k.day) == k.zone
}
