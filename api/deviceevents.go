package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// DeviceEvent is one change in a device's life.
type DeviceEvent struct {
	ID           int64     `json:"id"`
	Kind         string    `json:"kind" enum:"register,claim,deploy,replace,recall,begin-maintenance,end-maintenance,hand-over,retire"`
	From         string    `json:"from,omitempty" doc:"State before; absent where the device was registered"`
	To           string    `json:"to" doc:"State afterwards"`
	Actor        Actor     `json:"actor"`
	Time         time.Time `json:"time" doc:"When it happened, as the actor says"`
	Noted        time.Time `json:"noted" doc:"When the hub learnt of it"`
	Reason       string    `json:"reason,omitempty"`
	Position     Position  `json:"position,omitempty"`
	Accuracy     float64   `json:"accuracy,omitempty" doc:"Of the position, in metres"`
	Thing        int64     `json:"thing,omitempty" doc:"Id of the thing where the device stood or stands"`
	Other        int64     `json:"other,omitempty" doc:"Id of the device that it replaced, or that replaced it"`
	Organisation int64     `json:"organisation,omitempty" doc:"Id of the organisation to which it belonged afterwards"`
}

// Actor is who did something.
type Actor struct {
	Kind string `json:"kind" enum:"anonymous,user,key,device,system"`
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name"`
}

type deviceEventList struct {
	ByID
	Paging
}

func (s *Server) deviceEvents() {
	register(s, huma.Operation{OperationID: "list-device-events", Method: http.MethodGet, Path: base + "/devices/{id}/events",
		Summary: "What happened to a device, in the order in which the hub learnt of it", Tags: []string{"life cycle"},
		Errors: []int{http.StatusNotFound},
	}, access.ThingRead, func(ctx context.Context, in *deviceEventList) (*collected[DeviceEvent], error) {
		after, err := in.cursor()
		if err != nil {
			return nil, err
		}
		events, err := s.o.Registry.DeviceEvents(ctx, in.ID, devices.Page{After: after, Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		next := ""
		if len(events) > in.Limit {
			events = events[:in.Limit]
			next = in.next(events[in.Limit-1].ID)
		}
		items := make([]DeviceEvent, len(events))
		for i := range events {
			items[i] = deviceEvent(&events[i])
		}
		return collection(items, next), nil
	})
}

func deviceEvent(e *devices.DeviceEvent) DeviceEvent {
	out := DeviceEvent{ID: e.ID, Kind: string(e.Move), From: string(e.From), To: string(e.To),
		Actor: Actor{Kind: string(e.Actor.Kind), ID: e.Actor.ID, Name: e.Actor.Name},
		Time:  e.Time.UTC(), Noted: e.Noted.UTC(), Reason: e.Reason, Thing: e.ThingID, Other: e.OtherID, Organisation: e.OrganisationID}
	if e.Fix != nil {
		out.Position, out.Accuracy = positionOf(&e.Fix.Position), e.Fix.Accuracy
	}
	return out
}
