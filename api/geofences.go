package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
	"cityhub/telemetry/geofence"
)

// Geofence has mobile things watched as they enter and leave a zone.
type Geofence struct {
	ID    int64     `json:"id"`
	Since time.Time `json:"since" doc:"When it was last changed; where things were before does not count"`
	GeofenceBody
}

// GeofenceBody is what can be written of a geofence.
type GeofenceBody struct {
	Code         string  `json:"code" doc:"Unique; A-Z, a-z, 0-9, _ and -"`
	Name         string  `json:"name" required:"false" doc:"The code when absent"`
	Zone         Ref     `json:"zone" doc:"Code or id of the zone"`
	Organisation Ref     `json:"organisation,omitempty" doc:"Code or id: whose things are watched; everybody's when absent, which only the city may"`
	Things       []Ref   `json:"things,omitempty" maxItems:"10000" doc:"Codes or ids of those that are watched; all mobile things of the organisation when absent"`
	Distance     float64 `json:"distance" required:"false" minimum:"0" maximum:"10000" doc:"A thing has left from so many metres outside the zone on"`
	Time         float64 `json:"time" required:"false" minimum:"0" maximum:"86400" doc:"Seconds for which it must stay on the other side"`
}

type geofenceList struct {
	Paging
	Code string `query:"code"`
	Zone string `query:"zone" doc:"Code or id"`
}

func (q *geofenceList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Fence], error) {
	match := byCode(q.Code)
	if q.Zone != "" {
		id, err := filterID(ctx, r.Zones, "zone", q.Zone, zoneIDOf)
		if err != nil {
			return selection[devices.Fence]{}, err
		}
		match["zone_id"] = id
	}
	return all[devices.Fence](match), nil
}

func fenceID(f *devices.Fence) int64 { return f.ID }

func refOf(id int64) Ref { return Ref(strconv.FormatInt(id, 10)) }

func (s *Server) geofences() {
	n := noun[devices.Fence, Geofence, GeofenceBody]{path: "/geofences", one: "geofence", access: rows{access.AlarmView, access.RuleEdit},
		nouns: s.o.Registry.Geofences, id: fenceID,
		show: func(ctx context.Context, v *view, f *devices.Fence, _ bool) (Geofence, error) {
			body, err := s.fenceBody(ctx, v, f)
			return Geofence{ID: f.ID, Since: f.Since, GeofenceBody: body}, err
		},
		body: s.fenceBody, apply: s.applyFence,
	}
	list[geofenceList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
	register(s, huma.Operation{OperationID: "list-geofence-events", Method: http.MethodGet, Path: base + "/geofence-events",
		Summary: "When mobile things entered and left zones", Tags: []string{"geofences"},
		Description: "By ascending id, which is the order in which the hub found out. time is that of the first position on the other side, confirmed that of the position that made sure. The stream of /live has them as events of the kind fence.",
		Errors:      []int{http.StatusNotFound},
	}, access.AlarmView, s.listFenceEvents)
}

func (s *Server) fenceBody(ctx context.Context, v *view, f *devices.Fence) (GeofenceBody, error) {
	b := GeofenceBody{Code: f.Code, Name: f.Name, Distance: f.Metres, Time: f.Hold.Seconds()}
	owner, err := v.organisations.get(ctx, f.OrganisationID)
	if err != nil {
		return b, err
	}
	b.Organisation = Ref(owner.Code)
	zone, _ := s.o.Registry.Zone(f.ZoneID)
	b.Zone = Ref(zone.Code)
	for _, id := range f.Things {
		b.Things = append(b.Things, refOf(id))
	}
	return b, nil
}

func (s *Server) applyFence(ctx context.Context, b *GeofenceBody, f *devices.Fence) (err error) {
	f.Code, f.Name, f.Metres = b.Code, b.Name, b.Distance
	f.Hold = time.Duration(b.Time * float64(time.Second))
	if f.ZoneID, err = idOf(ctx, s.o.Registry.Zones, "zone", b.Zone, zoneIDOf); err != nil {
		return err
	}
	f.Things = nil
	for _, ref := range b.Things {
		id, err := idOf(ctx, s.o.Registry.Things, "things", ref, thingID)
		if err != nil {
			return err
		}
		f.Things = append(f.Things, id)
	}
	f.OrganisationID, err = idOf(ctx, s.o.Registry.Organisations, "organisation", b.Organisation, organisationID)
	return err
}

// GeofenceEvent says that a thing entered or left a zone.
type GeofenceEvent struct {
	ID        int64     `json:"id"`
	Event     string    `json:"event" enum:"enter,leave"`
	Fence     int64     `json:"fence"`
	Zone      string    `json:"zone" doc:"Code; the id where the zone is gone"`
	Thing     string    `json:"thing" doc:"Code; the id where the thing is gone"`
	Time      time.Time `json:"time"`
	Confirmed time.Time `json:"confirmed"`
	Position  Position  `json:"position"`
}

type fenceEventList struct {
	Paging
	Fence    int64  `query:"fence" minimum:"1" doc:"Id of a geofence"`
	Zone     string `query:"zone" doc:"Code or id"`
	Thing    string `query:"thing" doc:"Code or id"`
	Datetime string `query:"datetime" doc:"A/B, RFC 3339, both ends included, .. for an open end; always when absent"`
}

func (s *Server) listFenceEvents(ctx context.Context, in *fenceEventList) (*collected[GeofenceEvent], error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	f := geofence.Filter{Fence: in.Fence, After: after, Limit: in.Limit + 1, Scope: access.ScopeOf(ctx)}
	if in.Datetime != "" {
		asked, err := parseSpan(in.Datetime, s.o.Now())
		if err != nil {
			return nil, err
		}
		f.From, f.To = asked.from, asked.to
	}
	if in.Zone != "" {
		if f.Zone, err = filterID(ctx, s.o.Registry.Zones, "zone", in.Zone, zoneIDOf); err != nil {
			return nil, err
		}
	}
	if in.Thing != "" {
		if f.Thing, err = filterID(ctx, s.o.Registry.Things, "thing", in.Thing, thingID); err != nil {
			return nil, err
		}
	}
	found, err := s.o.Geofences.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > in.Limit {
		found = found[:in.Limit]
		next = in.next(found[in.Limit-1].ID)
	}
	items, v := make([]GeofenceEvent, len(found)), s.view()
	for i := range found {
		thing, _ := v.things.get(ctx, found[i].Thing)
		items[i] = s.fenceEvent(&found[i], thing.Code)
	}
	return collection(items, next), nil
}

func (s *Server) fenceEvent(e *geofence.Event, thing string) GeofenceEvent {
	out := GeofenceEvent{ID: e.ID, Event: "leave", Fence: e.Fence, Zone: string(refOf(e.Zone)), Thing: thing,
		Time: e.Time, Confirmed: e.Confirmed, Position: positionOf(&e.Position)}
	if e.Entered {
		out.Event = "enter"
	}
	if zone, ok := s.o.Registry.Zone(e.Zone); ok {
		out.Zone = zone.Code
	}
	if thing == "" {
		out.Thing = string(refOf(e.Thing))
	}
	return out
}

// Crossed makes the server a geofence.Listener: it tells the live stream.
func (s *Server) Crossed(events []*geofence.Event) {
	told := make([]telemetry.Event, 0, len(events))
	for _, e := range events {
		station, ok := s.o.Registry.Station(e.Thing)
		if !ok {
			continue
		}
		position := e.Position
		told = append(told, telemetry.Event{Kind: "fence", Time: e.Time, Organisation: station.OrganisationID, Thing: e.Thing,
			Position: &position, Data: s.fenceEvent(e, station.Code)})
	}
	s.Announce(told...)
}
