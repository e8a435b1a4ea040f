package devices

import "context"

// loadPage is large because a start reads everything once.
const loadPage = 20_000

// load reads all nouns that resolving needs. Tables are fetched beside each
// other and taken in one after another, parents before children.
func (x *index) load(ctx context.Context, t Tables) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the fetching when a table cannot be read
	steps := []func() error{
		fetch(ctx, t.ObservedProperties, propertyID, x.enterProperty),
		fetch(ctx, t.Sensors, sensorID, x.enterSensor),
		fetch(ctx, t.Locations, locationID, x.enterLocation),
		fetch(ctx, t.Visits, visitID, x.keepVisit),
		fetch(ctx, t.Things, thingID, x.enterThing),
		fetch(ctx, t.Moves, historicalLocationID, x.loadMove),
		fetch(ctx, t.Groups, groupID, x.enterGroup),
		fetch(ctx, t.Datastreams, datastreamID, x.loadDatastream),
		fetch(ctx, t.Devices, deviceID, x.enterDevice),
		fetch(ctx, t.Deployments, deploymentID, x.enterDeployment),
		fetch(ctx, t.Zones, zoneID, x.enterZone),
		fetch(ctx, t.ZoneVersions, zoneVersionID, x.enterZoneVersion),
		fetch(ctx, t.Fences, fenceID, x.enterFence),
	}
	for _, take := range steps {
		if err := take(); err != nil {
			return err
		}
	}
	for _, seat := range x.series {
		x.share(seat.series)
	}
	x.touched.all()
	return nil
}

// fetch begins to read a table and answers the function that takes it in.
func fetch[T any](ctx context.Context, table Table[T], id func(*T) *int64, enter func(T)) (take func() error) {
	pages := make(chan []T, 1)
	failed := make(chan error, 1)
	go func() {
		defer close(pages)
		failed <- each(ctx, table, id, func(page []T) error {
			select {
			case pages <- page:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return func() error {
		for page := range pages {
			for i := range page {
				enter(page[i])
			}
		}
		return <-failed
	}
}

// loadDatastream fills a series in place: nobody holds it yet, and it shares nothing.
func (x *index) loadDatastream(d Datastream) {
	s := x.seriesOf(d.Group)
	if s == nil || d.Slot < 0 {
		return
	}
	if s.Datastreams == nil {
		if m := x.models[s.SensorID]; m != nil {
			s.Datastreams = make([]int64, 0, len(m.Sensor.Channels))
			s.measures = make([]*measure, 0, len(m.Sensor.Channels))
		}
	}
	s.set(&d, x.measure(d.Property, d.Unit))
}

// each walks a whole table in pages.
func each[T any](ctx context.Context, table Table[T], id func(*T) *int64, do func([]T) error) error {
	after := int64(0)
	for {
		items, err := table.List(ctx, Page{After: after, Limit: loadPage})
		if err != nil || len(items) == 0 {
			return err
		}
		if err := do(items); err != nil {
			return err
		}
		if len(items) < loadPage {
			return nil
		}
		after = *id(&items[len(items)-1])
	}
}

// first finds the one entity that matches, or answers false.
func first[T any](ctx context.Context, table Table[T], match map[string]any) (T, bool, error) {
	items, err := table.List(ctx, Page{Limit: 1, Match: match})
	if err != nil || len(items) == 0 {
		var none T
		return none, false, err
	}
	return items[0], true, nil
}

func historicalLocationID(h *HistoricalLocation) *int64 { return &h.ID }

func organisationID(o *Organisation) *int64 { return &o.ID }
func thingID(t *Thing) *int64               { return &t.ID }
func locationID(l *Location) *int64         { return &l.ID }
func propertyID(p *ObservedProperty) *int64 { return &p.ID }
func sensorID(s *Sensor) *int64             { return &s.ID }
func groupID(g *Group) *int64               { return &g.ID }
func datastreamID(d *Datastream) *int64     { return &d.ID }
func deviceID(d *Device) *int64             { return &d.ID }
func deploymentID(d *Deployment) *int64     { return &d.ID }
