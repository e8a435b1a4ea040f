package api

import (
	"context"
	"time"

	"cityhub/devices"
)

// Deployment says that a device stands, or stood, at a thing.
type Deployment struct {
	ID       int64 `json:"id"`
	DeviceID int64 `json:"deviceId"`
	ThingID  int64 `json:"thingId"`
	DeploymentBody
}

// DeploymentBody is what can be written of a deployment.
type DeploymentBody struct {
	Device   Ref        `json:"device" doc:"Code or id"`
	Thing    Ref        `json:"thing" doc:"Code or id"`
	From     *time.Time `json:"from,omitempty" doc:"Now when absent"`
	To       *time.Time `json:"to,omitempty" doc:"Set it to recall the device; absent while it stands there"`
	Position Position   `json:"position,omitempty"`
	ClientID string     `json:"clientId,omitempty" doc:"ULID that you make; a create that is sent again with it answers what is there"`
}

type deploymentList struct {
	Paging
	Device string `query:"device" doc:"Code or id"`
	Thing  string `query:"thing" doc:"Code or id"`
}

func (q *deploymentList) selection(ctx context.Context, r *devices.Registry) (selection[devices.Deployment], error) {
	match := map[string]any{}
	if q.Device != "" {
		id, err := filterID(ctx, r.Devices, "device", q.Device, deviceID)
		if err != nil {
			return selection[devices.Deployment]{}, err
		}
		match["device_id"] = id
	}
	if q.Thing != "" {
		id, err := filterID(ctx, r.Things, "thing", q.Thing, thingID)
		if err != nil {
			return selection[devices.Deployment]{}, err
		}
		match["thing_id"] = id
	}
	return all[devices.Deployment](match), nil
}

func (s *Server) deployments() {
	n := noun[devices.Deployment, Deployment, DeploymentBody]{path: "/deployments", one: "deployment", access: field,
		nouns: s.o.Registry.Deployments, id: func(d *devices.Deployment) int64 { return d.ID },
		show: func(ctx context.Context, v *view, d *devices.Deployment, _ bool) (Deployment, error) {
			body, err := deploymentBody(ctx, v, d)
			return Deployment{ID: d.ID, DeviceID: d.DeviceID, ThingID: d.ThingID, DeploymentBody: body}, err
		},
		client: func(b *DeploymentBody) string { return b.ClientID },
		body:   deploymentBody, apply: s.applyDeployment,
	}
	list[deploymentList](s, n)
	n.read(s)
	n.create(s)
	n.edit(s)
	n.delete(s)
}

func deploymentBody(ctx context.Context, v *view, d *devices.Deployment) (DeploymentBody, error) {
	b := DeploymentBody{From: instant(d.From), To: instant(d.To), Position: positionOf(d.Position), ClientID: d.ClientID}
	device, err := v.devices.get(ctx, d.DeviceID)
	if err != nil {
		return b, err
	}
	thing, err := v.things.get(ctx, d.ThingID)
	b.Device, b.Thing = Ref(device.Code), Ref(thing.Code)
	return b, err
}

func (s *Server) applyDeployment(ctx context.Context, b *DeploymentBody, d *devices.Deployment) error {
	device, err := find(ctx, s.o.Registry.Devices, "device", b.Device)
	if err != nil {
		return err
	}
	thing, err := find(ctx, s.o.Registry.Things, "thing", b.Thing)
	if err != nil {
		return err
	}
	position, err := b.Position.geo()
	if err != nil {
		return err
	}
	d.DeviceID, d.ThingID, d.Position, d.ClientID = device.ID, thing.ID, position, b.ClientID
	d.From, d.To = orZero(b.From, d.From), orZero(b.To, d.To)
	return nil
}

// orZero reads an optional instant. It gives the old one back where both name
// the same, so that an edit of something else changes nothing.
func orZero(t *time.Time, old time.Time) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.Equal(old):
		return old
	}
	return *t
}
