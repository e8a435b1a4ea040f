package api

import (
	"context"
	"fmt"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// sender is who sends readings by HTTP, and for which devices it may.
type sender struct {
	name     string // as quarantine and log call it; "" for the hub itself
	device   string // the one device that it is; "" for a gateway
	scope    *access.Scope
	registry *devices.Registry
}

func (s *Server) senderOf(ctx context.Context) sender {
	p := access.PrincipalOf(ctx)
	who := sender{scope: access.ScopeOf(ctx), registry: s.o.Registry}
	switch p.Kind {
	case access.SystemKind:
	case access.DeviceKind:
		who.name, who.device = p.Name, p.Name
	default:
		who.name = string(p.Kind) + ":" + p.Name
	}
	return who
}

// refuse says why the sender may not send a measurement of a device; nil when
// it may. To a gateway another organisation's device is one that nobody has
// registered.
func (w *sender) refuse(device string) *telemetry.Refusal {
	who, known := w.registry.Named(device)
	switch {
	case w.device != "" && (!known || who.Code != w.device):
		return &telemetry.Refusal{Reason: telemetry.WrongSender,
			Detail: fmt.Sprintf("device: %.100q sent a reading of %.100q: a device sends its own only", w.device, device)}
	case w.device == "" && known && !w.scope.Owns(who.OrganisationID):
		return telemetry.Unregistered(device)
	}
	return nil
}

// sift takes out what the sender may not send, and tells why by the index that
// it had.
func (w *sender) sift(all []telemetry.Measurement) (kept []telemetry.Measurement, places []int, refused []Refused) {
	for i := range all {
		m := &all[i]
		if m.Device == "" {
			m.Device = w.device
		}
		if r := w.refuse(m.Device); r != nil {
			refused = append(refused, Refused{i, m.Device, string(r.Reason), r.Detail})
			continue
		}
		kept, places = append(kept, *m), append(places, i)
	}
	return kept, places, refused
}
