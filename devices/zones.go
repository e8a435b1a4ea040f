package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cityhub/geo"
)

// Zone is a named piece of the city: a ward, a district, a flood basin. Its
// boundary may change; see ZoneVersion.
type Zone struct {
	ID       int64
	Code     string // unique over all kinds, [A-Za-z0-9_-]
	Kind     string // ward, district…: [a-z][a-z0-9_]*; of a kind, a place lies in one zone
	Name     string
	NameEn   string
	ParentID int64 // 0: none
}

// ZoneVersion is a zone's geometry over the days [From, To). Those of a zone
// never overlap; between them, and when there is none, the zone is nowhere.
type ZoneVersion struct {
	ID     int64
	ZoneID int64
	From   geo.Day
	To     geo.Day // 0: still valid
	Area   geo.Area
}

// MarshalJSON is for the audit log, which need not hold the geometry: its size
// shows that it changed.
func (v ZoneVersion) MarshalJSON() ([]byte, error) {
	to := ""
	if v.To != 0 {
		to = v.To.String()
	}
	return json.Marshal(map[string]any{"ID": v.ID, "ZoneID": v.ZoneID, "From": v.From.String(), "To": to,
		"Points": v.Area.Points(), "SquareMetres": v.Area.SquareMetres(), "Window": v.Area.Window()})
}

func zoneID(z *Zone) *int64               { return &z.ID }
func zoneVersionID(v *ZoneVersion) *int64 { return &v.ID }

func checkZone(ctx context.Context, w *work, z, _ *Zone) error {
	if err := checkCode(z.Code); err != nil {
		return err
	}
	if !propertyPattern.MatchString(z.Kind) {
		return invalid("kind", fmt.Sprintf("%q must be lower case, begin with a letter and hold at most 48 of a-z, 0-9 and _, as in ward", z.Kind))
	}
	if z.Name == "" {
		z.Name = z.Code
	}
	for above := z.ParentID; above != 0; {
		if above == z.ID {
			return invalid("parent_id", "a zone cannot lie in itself, nor in what lies in it")
		}
		parent, err := w.Zones.Get(ctx, above)
		if err != nil {
			return fmt.Errorf("parent: %w", err)
		}
		above = parent.ParentID
	}
	return nil
}

func checkZoneVersion(_ context.Context, _ *work, v, _ *ZoneVersion) error {
	if v.To != 0 && v.To <= v.From {
		return invalid("to", "must be later than from")
	}
	return checkArea(v.Area)
}

// checkArea refuses an unsound geometry, and names the rings at fault.
func checkArea(a geo.Area) error {
	faults := geo.Check(a)
	if len(faults) == 0 {
		return nil
	}
	texts := make([]string, len(faults))
	for i, f := range faults {
		texts[i] = f.Error()
	}
	return invalid("geometry", strings.Join(texts, "; "))
}

// forgetZoneVersions takes a zone's geometries away with it.
func forgetZoneVersions(ctx context.Context, w *work, id int64) error {
	versions, err := w.versionsOf(ctx, id)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if err := w.ZoneVersions.Delete(ctx, v.ID); err != nil {
			return err
		}
	}
	return nil
}

// versionsOf gives a zone's versions, oldest first.
func (w *work) versionsOf(ctx context.Context, zone int64) ([]ZoneVersion, error) {
	versions, err := w.ZoneVersions.List(ctx, Page{Limit: loadPage, Match: map[string]any{"zone_id": zone}})
	slices.SortFunc(versions, func(a, b ZoneVersion) int { return int(a.From) - int(b.From) })
	return versions, err
}

// ShapeZone gives a zone another geometry from a day on, until its next
// version; an empty area ends it there. A geometry that begins on the day of
// an earlier one takes its place. The same again changes nothing.
func (r *Registry) ShapeZone(ctx context.Context, zone int64, from geo.Day, area geo.Area) (Result, error) {
	result := Unchanged
	err := r.change(ctx, func(ctx context.Context, w *work) (err error) {
		if _, err := w.Zones.Get(ctx, zone); err != nil {
			return err
		}
		result, err = w.shapeZone(ctx, zone, from, area)
		return err
	})
	if err != nil {
		return Failed, err
	}
	return result, nil
}

func (w *work) shapeZone(ctx context.Context, zone int64, from geo.Day, area geo.Area) (Result, error) {
	versions, err := w.versionsOf(ctx, zone)
	if err != nil {
		return Failed, err
	}
	area = geo.Wound(area)
	next := ZoneVersion{ZoneID: zone, From: from, Area: area}
	for _, v := range versions {
		if v.From > from {
			next.To = v.From
			break
		}
		if v.To != 0 && v.To <= from {
			continue
		}
		if len(area) > 0 && v.Area.Equal(area) {
			return Unchanged, nil
		}
		next.To = v.To
		if done, err := w.yield(ctx, v, &next); done || err != nil {
			return Updated, err
		}
		return Updated, w.addVersion(ctx, &next)
	}
	if len(area) == 0 {
		return Unchanged, nil
	}
	return Created, w.addVersion(ctx, &next)
}

// yield ends the version at the beginning of the next, or gives its place to
// it when both begin on the same day, and says whether that was all.
func (w *work) yield(ctx context.Context, v ZoneVersion, next *ZoneVersion) (done bool, err error) {
	versions := w.registry.ZoneVersions
	if v.From == next.From {
		if len(next.Area) == 0 {
			return true, versions.remove(ctx, w, v.ID)
		}
		next.ID = v.ID
		return true, versions.put(ctx, w, next, &v)
	}
	ended := v
	ended.To = next.From
	return false, versions.put(ctx, w, &ended, &v)
}

func (w *work) addVersion(ctx context.Context, v *ZoneVersion) error {
	if len(v.Area) == 0 {
		return nil
	}
	return w.registry.ZoneVersions.put(ctx, w, v, nil)
}
