package api

import (
	"cmp"
	"context"

	"cityhub/access"
	"cityhub/devices"
)

// Datastream is what readings belong to.
type Datastream struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Thing     string `json:"thing" doc:"Code"`
	ThingID   int64  `json:"thingId"`
	ThingName string `json:"thingName"`
	Sensor    string `json:"sensor" doc:"Code of the model"`
	Property  string `json:"property" doc:"Code"`
	Unit      string `json:"unit"`
	Group     int64  `json:"group" doc:"The archive's tag g"`

	Publication string `json:"publication" enum:"private,internal,public" doc:"Who may see its readings beside its organisation and those it granted: nobody, every organisation's people, everybody"`
}

// DatastreamBody is what can be written of a datastream.
type DatastreamBody struct {
	Name        string `json:"name"`
	Publication string `json:"publication" enum:"private,internal,public" required:"false"`
}

type datastreamList struct {
	Paging
	Thing    string `query:"thing" doc:"Code or id"`
	Device   string `query:"device" doc:"Code or id: the datastreams of all places where it stood"`
	Property string `query:"property" doc:"Code"`
}

func (q *datastreamList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Datastream], error) {
	sel := selection[devices.Datastream]{keep: func(d *devices.Datastream) bool { return !d.Retired }}
	match := map[string]any{}
	if q.Property != "" {
		match["property"] = q.Property
	}
	if q.Thing != "" {
		id, err := filterID(ctx, r.Things, "thing", q.Thing, thingID)
		if err != nil {
			return sel, err
		}
		match["thing_id"] = id
	}
	if q.Device == "" {
		sel.matches = []map[string]any{match}
		return sel, nil
	}
	groups, err := groupsOf(ctx, r, q.Device)
	if err != nil {
		return sel, err
	}
	for group := range groups {
		of := map[string]any{"group_id": group}
		for column, value := range match {
			of[column] = value
		}
		sel.matches = append(sel.matches, of)
	}
	return sel, nil
}

// groupsOf are the places at which a device stood.
func groupsOf(ctx context.Context, r *devices.Registry, device string) (map[int64]bool, error) {
	id, err := filterID(ctx, r.Devices, "device", device, deviceID)
	if err != nil {
		return nil, err
	}
	deployments, err := r.Deployments.List(ctx, devices.Page{Limit: 1_000, Match: map[string]any{"device_id": id}})
	if err != nil {
		return nil, err
	}
	groups := map[int64]bool{}
	for _, d := range deployments {
		groups[d.GroupID] = true
	}
	return groups, nil
}

func datastreamID(d *devices.Datastream) int64 { return d.ID }

func (s *Server) datastreams() {
	n := noun[devices.Datastream, Datastream, DatastreamBody]{path: "/datastreams", one: "datastream", access: field,
		nouns: s.o.Registry.Datastreams, id: datastreamID, show: showDatastream, remove: s.retire,
		body: func(_ context.Context, _ *view, d *devices.Datastream) (DatastreamBody, error) {
			return DatastreamBody{d.Name, string(published(d))}, unlessRetired(d)
		},
		apply: func(_ context.Context, b *DatastreamBody, d *devices.Datastream) error {
			if b.Name == "" {
				return &devices.FieldError{Field: "name", Kind: devices.ErrInvalid, Detail: "must not be empty"}
			}
			d.Name = b.Name
			d.Publication = access.Publication(b.Publication)
			return nil
		},
	}
	list[datastreamList](s, n)
	n.read(s)
	n.edit(s)
	n.delete(s)
}

func showDatastream(ctx context.Context, v *view, d *devices.Datastream, _ bool) (Datastream, error) {
	out := Datastream{ID: d.ID, Name: d.Name, ThingID: d.ThingID, Property: d.Property, Unit: d.Unit, Group: d.Group, Publication: string(published(d))}
	if err := unlessRetired(d); err != nil {
		return out, err
	}
	thing, err := v.things.get(ctx, d.ThingID)
	if err != nil {
		return out, err
	}
	sensor, err := v.sensors.get(ctx, d.SensorID)
	out.Thing, out.ThingName, out.Sensor = thing.Code, thing.Name, sensor.Code
	return out, err
}

func published(d *devices.Datastream) access.Publication {
	return cmp.Or(d.Publication, access.Private)
}

// unlessRetired hides what was deleted: its readings leave with retention.
func unlessRetired(d *devices.Datastream) error {
	if d.Retired {
		return devices.ErrNotFound
	}
	return nil
}

// retire makes a datastream's readings unreachable.
func (s *Server) retire(ctx context.Context, id int64) error {
	_, err := s.o.Registry.Datastreams.Update(ctx, id, func(d *devices.Datastream) error {
		if err := unlessRetired(d); err != nil {
			return err
		}
		d.Retired = true
		return nil
	})
	return err
}

// datastream gives the one of an id that is not retired.
func (s *Server) datastream(ctx context.Context, id int64) (devices.Datastream, error) {
	d, err := s.o.Registry.Datastreams.Get(ctx, id)
	if err != nil {
		return d, err
	}
	return d, unlessRetired(&d)
}
