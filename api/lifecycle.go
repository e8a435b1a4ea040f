package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// StepBody is what whoever moves a device on says of it.
type StepBody struct {
	Reason   string   `json:"reason,omitempty" maxLength:"2000"`
	Position Position `json:"position,omitempty" doc:"Where the device is, as the phone finds it: [longitude, latitude, altitude?]"`
	Accuracy float64  `json:"accuracy,omitempty" minimum:"0" doc:"Of the position, in metres"`
}

func (b *StepBody) step(at *time.Time) (devices.Step, error) {
	step := devices.Step{At: orZero(at, time.Time{}), Reason: b.Reason}
	position, err := b.Position.geo()
	if err == nil && position != nil {
		step.Fix = &devices.Fix{Position: *position, Accuracy: b.Accuracy}
	}
	return step, err
}

// DeployBody puts a device at a thing.
type DeployBody struct {
	StepBody
	Thing    Ref        `json:"thing,omitempty" doc:"Code or id of a thing that is there"`
	NewThing *NewThing  `json:"newThing,omitempty" doc:"In the place of thing: one that is made with the device's organisation"`
	From     *time.Time `json:"from,omitempty" doc:"Now when absent"`
}

// NewThing is a thing made while a device is deployed.
type NewThing struct {
	Code        string   `json:"code" doc:"Unique; A-Z, a-z, 0-9, _ and -"`
	Name        string   `json:"name,omitempty" doc:"The code when absent"`
	Description string   `json:"description,omitempty"`
	Mobile      bool     `json:"mobile,omitempty" doc:"Its position comes with its readings"`
	Position    Position `json:"position,omitempty" doc:"The device's when absent"`
}

// MoveBody is what a call says that needs no more than when and why.
type MoveBody struct {
	StepBody
	At *time.Time `json:"at,omitempty" doc:"When it happened; now when absent"`
}

// ReplaceBody puts another device in a device's place.
type ReplaceBody struct {
	MoveBody
	With              Ref  `json:"with" doc:"Code or id of the device that comes"`
	AcceptDifferences bool `json:"acceptDifferences,omitempty" doc:"Replace although the new device does not measure the same: what is missing ends, what is new begins"`
}

// MaintenanceBody begins or ends the work on a device.
type MaintenanceBody struct {
	MoveBody
	Action string `json:"action" enum:"begin,end"`
}

// HandOverBody gives a device to another organisation.
type HandOverBody struct {
	MoveBody
	To     Ref  `json:"to" doc:"Code or id of the organisation"`
	Things bool `json:"things,omitempty" doc:"With the thing where the device stands, and all devices that stand there"`
}

// MovedDevice is a device after a move of its life cycle.
type MovedDevice struct {
	Device
	Deployment  int64             `json:"deployment,omitempty" doc:"Id of the deployment that has begun"`
	Replaced    int64             `json:"replaced,omitempty" doc:"Id of the device that was taken away"`
	Differences []WiredDifference `json:"differences,omitempty" doc:"What does not simply go on"`
}

type moved = shown[MovedDevice]

// lifecycle registers the calls that move a device on.
func (s *Server) lifecycle() {
	move(s, "deploy", "Deploy a device at a thing", access.DeviceOperate, s.deploy)
	move(s, "recall", "Take a device away from its thing", access.DeviceOperate, func(ctx context.Context, id int64, b *MoveBody) (MovedDevice, error) {
		return s.moved(ctx, b, func(step devices.Step) (devices.Device, error) { return s.o.Registry.Recall(ctx, id, step) })
	})
	move(s, "replace", "Put another device in a device's place; the station's series go on", access.DeviceOperate, s.replaceDevice)
	move(s, "maintenance", "Begin or end the work on a device where it stands", access.DeviceOperate, func(ctx context.Context, id int64, b *MaintenanceBody) (MovedDevice, error) {
		return s.moved(ctx, &b.MoveBody, func(step devices.Step) (devices.Device, error) {
			return s.o.Registry.Maintain(ctx, id, b.Action == "begin", step)
		})
	})
	move(s, "retire", "End a device's life", access.DeviceOperate, func(ctx context.Context, id int64, b *MoveBody) (MovedDevice, error) {
		return s.moved(ctx, b, func(step devices.Step) (devices.Device, error) { return s.endLife(ctx, id, step) })
	})
	move(s, "hand-over", "Give a device to another organisation", access.DeviceHandOver, s.handOver)
	s.deviceEvents()
}

// endLife ends a device's life, and with it what let it in.
func (s *Server) endLife(ctx context.Context, id int64, step devices.Step) (devices.Device, error) {
	d, err := s.o.Registry.Retire(ctx, id, step)
	if err != nil {
		return d, err
	}
	if _, some := s.o.Credentials.Of(id); !some {
		return d, nil
	}
	return d, s.o.Credentials.Revoke(ctx, &d)
}

// move registers POST of one move.
func move[B any](s *Server, name, summary string, row access.Action, do func(ctx context.Context, id int64, body *B) (MovedDevice, error)) {
	type input struct {
		ByID
		Body B
	}
	register(s, huma.Operation{OperationID: name + "-device", Method: http.MethodPost, Path: base + "/devices/{id}/" + name,
		Summary: summary, Tags: []string{"life cycle"},
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
	}, row, func(ctx context.Context, in *input) (*moved, error) {
		body, err := do(ctx, in.ID, &in.Body)
		return &moved{body}, err
	})
}

func (s *Server) moved(ctx context.Context, b *MoveBody, do func(devices.Step) (devices.Device, error)) (MovedDevice, error) {
	step, err := b.step(b.At)
	if err != nil {
		return MovedDevice{}, err
	}
	d, err := do(step)
	if err != nil {
		return MovedDevice{}, err
	}
	shown, err := s.showDevice(ctx, s.view(), &d, true)
	return MovedDevice{Device: shown}, err
}

func (s *Server) deploy(ctx context.Context, id int64, b *DeployBody) (out MovedDevice, err error) {
	to := devices.Destination{}
	if b.Thing != "" {
		if to.ThingID, err = known(ctx, s.o.Registry.Things, "thing", b.Thing, thingID); err != nil {
			return out, err
		}
	}
	if n := b.NewThing; n != nil {
		to.New = &devices.Thing{Code: n.Code, Name: n.Name, Description: n.Description, Mobile: n.Mobile}
		if to.Position, err = n.Position.geo(); err != nil {
			return out, err
		}
	}
	step, err := b.step(b.From)
	if err != nil {
		return out, err
	}
	deployment, err := s.o.Registry.Deploy(ctx, id, to, step)
	if err != nil {
		return out, fieldAs("at", "from", err)
	}
	return s.standing(ctx, deployment)
}

// standing shows the device of a deployment that has begun.
func (s *Server) standing(ctx context.Context, d devices.Deployment) (MovedDevice, error) {
	device, err := s.o.Registry.Devices.Get(ctx, d.DeviceID)
	if err != nil {
		return MovedDevice{}, err
	}
	shown, err := s.showDevice(ctx, s.view(), &device, true)
	return MovedDevice{Device: shown, Deployment: d.ID}, err
}

func (s *Server) replaceDevice(ctx context.Context, id int64, b *ReplaceBody) (out MovedDevice, err error) {
	with, err := known(ctx, s.o.Registry.Devices, "device", b.With, deviceID)
	if err != nil {
		return out, err
	}
	step, err := b.step(b.At)
	if err != nil {
		return out, err
	}
	deployment, differences, err := s.o.Registry.Replace(ctx, id, with, b.AcceptDifferences, step)
	if err != nil {
		return out, err
	}
	out, err = s.standing(ctx, deployment)
	out.Replaced, out.Differences = id, wiredDifferences(differences)
	return out, err
}

func (s *Server) handOver(ctx context.Context, id int64, b *HandOverBody) (MovedDevice, error) {
	to, err := idOf(ctx, s.o.Registry.Organisations, "to", b.To, organisationID)
	if err == nil && to == 0 {
		err = &devices.FieldError{Field: "to", Kind: devices.ErrInvalid, Detail: "must be given"}
	}
	if err != nil {
		return MovedDevice{}, err
	}
	return s.moved(ctx, &b.MoveBody, func(step devices.Step) (devices.Device, error) {
		return s.o.Registry.HandOver(ctx, id, to, b.Things, step)
	})
}

// known resolves a reference to what must be in the caller's scope; what is
// not looks as if it did not exist.
func known[T any](ctx context.Context, nouns *devices.Nouns[T], one string, ref Ref, id func(*T) int64) (int64, error) {
	entity, err := find(ctx, nouns, one, ref)
	var field *devices.FieldError
	if errors.As(err, &field) {
		return 0, fmt.Errorf("%s %q: %w", one, string(ref), devices.ErrNotFound)
	}
	return id(&entity), err
}

// fieldAs names a field at fault as this call's sender knows it.
func fieldAs(name, wire string, err error) error {
	var field *devices.FieldError
	if errors.As(err, &field) && field.Field == name {
		return &devices.FieldError{Field: wire, Kind: field.Kind, Detail: field.Detail}
	}
	return err
}
