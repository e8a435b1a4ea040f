package database

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/uptrace/bun"

	"cityhub/geo"
	"cityhub/telemetry/geofence"
)

// geofences implements geofence.Store.
type geofences struct{ database *Database }

type fenceStateRow struct {
	bun.BaseModel `bun:"table:geofence_states"`

	FenceID int64 `bun:"fence_id,pk"`
	ThingID int64 `bun:"thing_id,pk"`
	Since   int64
	Inside  bool
	Pending int64
	Lon     float64
	Lat     float64
}

type fenceSightingRow struct {
	bun.BaseModel `bun:"table:geofence_sightings"`

	ThingID int64 `bun:"thing_id,pk"`
	Time    int64
}

type fenceEventRow struct {
	bun.BaseModel `bun:"table:geofence_events"`

	ID        int64 `bun:"id,pk"`
	FenceID   int64
	ZoneID    int64
	ThingID   int64
	Entered   bool
	Time      instant
	Confirmed instant
	Lon       float64
	Lat       float64
}

// Geofences keeps what is known of things at fences, and what happened.
func (d *Database) Geofences() geofence.Store { return geofences{d} }

// Load implements geofence.Store.
func (g geofences) Load(ctx context.Context) ([]geofence.State, map[int64]int64, error) {
	var states []fenceStateRow
	var sightings []fenceSightingRow
	if err := g.database.read.NewSelect().Model(&states).OrderExpr("thing_id, fence_id").Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("load geofences: %w", err)
	}
	if err := g.database.read.NewSelect().Model(&sightings).Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("load geofences: %w", err)
	}
	known := make([]geofence.State, len(states))
	for i, s := range states {
		known[i] = geofence.State{Fence: s.FenceID, Thing: s.ThingID, Since: s.Since, Inside: s.Inside, Pending: s.Pending,
			At: geo.Position{Lon: s.Lon, Lat: s.Lat}}
	}
	seen := make(map[int64]int64, len(sightings))
	for _, s := range sightings {
		seen[s.ThingID] = s.Time
	}
	return known, seen, nil
}

// Keep implements geofence.Store.
func (g geofences) Keep(ctx context.Context, k geofence.Kept) error {
	err := g.database.atomically(ctx, func(s *session) error {
		if err := keepStates(ctx, s, k.States); err != nil {
			return err
		}
		if err := keepSightings(ctx, s, k.Sightings); err != nil {
			return err
		}
		known := layout[fenceEventRow](s)
		for _, e := range k.Events {
			row := fenceEventRow{FenceID: e.Fence, ZoneID: e.Zone, ThingID: e.Thing, Entered: e.Entered,
				Time: instant{e.Time}, Confirmed: instant{e.Confirmed}, Lon: e.Position.Lon, Lat: e.Position.Lat}
			args, err := s.arguments(known, reflect.ValueOf(&row).Elem())
			if err != nil {
				return err
			}
			if e.ID, err = s.insert(ctx, known, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep geofence events: %w", err)
	}
	return nil
}

func keepStates(ctx context.Context, s *session, states []geofence.State) error {
	for _, state := range states {
		row := fenceStateRow{FenceID: state.Fence, ThingID: state.Thing, Since: state.Since, Inside: state.Inside, Pending: state.Pending,
			Lon: state.At.Lon, Lat: state.At.Lat}
		var err error
		if state.Inside || state.Pending != 0 {
			_, err = s.query.NewInsert().Model(&row).On("CONFLICT (fence_id, thing_id) DO UPDATE").
				Set("since = EXCLUDED.since, inside = EXCLUDED.inside, pending = EXCLUDED.pending, lon = EXCLUDED.lon, lat = EXCLUDED.lat").Exec(ctx)
		} else {
			_, err = s.query.NewDelete().Model(&row).WherePK().Exec(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keepSightings(ctx context.Context, s *session, sightings map[int64]int64) error {
	for things := range slices.Chunk(slices.Sorted(maps.Keys(sightings)), 500) {
		rows := make([]fenceSightingRow, len(things))
		for i, thing := range things {
			rows[i] = fenceSightingRow{ThingID: thing, Time: sightings[thing]}
		}
		_, err := s.query.NewInsert().Model(&rows).On("CONFLICT (thing_id) DO UPDATE").Set("time = EXCLUDED.time").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// Events implements geofence.Store.
func (g geofences) Events(ctx context.Context, f geofence.Filter) ([]geofence.Event, error) {
	var rows []fenceEventRow
	query := g.database.read.NewSelect().Model(&rows).Where("id > ?", f.After).OrderExpr("id").Limit(int64(f.Limit))
	for _, c := range []struct {
		condition string
		id        int64
	}{{"fence_id = ?", f.Fence}, {"zone_id = ?", f.Zone}, {"thing_id = ?", f.Thing}} {
		if c.id != 0 {
			query.Where(c.condition, c.id)
		}
	}
	if !f.From.IsZero() {
		query.Where("time >= ?", f.From.UnixNano())
	}
	if !f.To.IsZero() {
		query.Where("time <= ?", f.To.UnixNano())
	}
	if f.Scope != nil && !f.Scope.All {
		condition := nothing
		if len(f.Scope.Own) > 0 {
			condition = ofThing("thing_id", among("home.organisation_id", f.Scope.Own))
		}
		query.Where(condition)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list geofence events: %w", err)
	}
	found := make([]geofence.Event, len(rows))
	for i, r := range rows {
		found[i] = geofence.Event{ID: r.ID, Fence: r.FenceID, Zone: r.ZoneID, Thing: r.ThingID, Entered: r.Entered,
			Time: r.Time.Time, Confirmed: r.Confirmed.Time, Position: geo.Position{Lon: r.Lon, Lat: r.Lat}}
	}
	return found, nil
}
