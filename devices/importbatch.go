package devices

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"cityhub/access"
)

// batch applies rows within one transaction. What it looks up for many rows
// holds for all of them, as nobody else writes meanwhile.
type batch struct {
	*work
	scope         *access.Scope
	founds        bool // may make organisations
	models        map[string]Sensor
	organisations map[string]Organisation
	stations      map[string]Thing // by code, those that the rows name and that are there
}

func newBatch(ctx context.Context, w *work, plans []rowPlan) (*batch, error) {
	all, ok := access.PrincipalOf(ctx).Scope(access.CatalogueWrite)
	b := &batch{work: w, scope: access.ScopeOf(ctx), founds: ok && all.All,
		models: map[string]Sensor{}, organisations: map[string]Organisation{}, stations: make(map[string]Thing, len(plans))}
	return b, b.findStations(ctx, plans)
}

// mostCodes is how many codes one question names; SQLite takes 32,766 arguments.
const mostCodes = 1_000

// findStations asks for all stations of the rows at once.
func (b *batch) findStations(ctx context.Context, plans []rowPlan) error {
	codes := make([]string, 0, min(len(plans), mostCodes))
	for i := range plans {
		if code := plans[i].Station; code != "" {
			codes = append(codes, code)
		}
		if len(codes) == 0 || len(codes) < mostCodes && i < len(plans)-1 {
			continue
		}
		there, err := b.Things.List(ctx, Page{Limit: mostCodes, Match: map[string]any{"code": codes}})
		if err != nil {
			return err
		}
		for _, thing := range there {
			b.stations[thing.Code] = thing
		}
		codes = codes[:0]
	}
	return nil
}

// rowState is what stands in the register of what a row names.
type rowState struct {
	sensor       Sensor
	organisation Organisation // id 0: none named, or new
	device       Device       // id 0: new
	thing        Thing        // id 0: none named, or new
	deployments  []Deployment
}

// row applies one row. A refusal that came before anything was changed stands
// in the outcome; an error leaves half a row in the transaction.
func (b *batch) row(ctx context.Context, p rowPlan) (Outcome, error) {
	state, err := b.look(ctx, &p)
	if err == nil {
		err = b.permit(&p, state)
	}
	switch {
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrConflict):
		return Outcome{Result: Failed, Err: err}, nil
	case err != nil:
		return Outcome{}, err
	}
	return b.keep(ctx, &p, state)
}

// look reads what the row is about.
func (b *batch) look(ctx context.Context, p *rowPlan) (s rowState, err error) {
	if s.sensor, err = b.model(ctx, p.Model); err != nil {
		return s, err
	}
	if s.organisation, err = b.organisation(ctx, p.Organisation); err != nil {
		return s, err
	}
	if b.maybeNamed(p.Device) {
		if s.device, _, err = first(ctx, b.Devices, map[string]any{"code": p.Device}); err != nil {
			return s, err
		}
	}
	if s.device.ID != 0 {
		s.deployments, err = b.deploymentsOf(ctx, s.device.ID)
		if err != nil {
			return s, err
		}
	}
	s.thing = b.stations[p.Station]
	return s, nil
}

func (b *batch) model(ctx context.Context, code string) (Sensor, error) {
	if known, ok := b.models[code]; ok {
		return known, nil
	}
	sensor, found, err := first(ctx, b.Sensors, map[string]any{"code": code})
	if err == nil && !found {
		err = coded("model-unknown", "model", "%s is not known; import it first with: cityhub import models FILE", strconv.Quote(code))
	}
	if err == nil {
		b.models[code] = sensor
	}
	return sensor, err
}

func (b *batch) organisation(ctx context.Context, code string) (Organisation, error) {
	if known, ok := b.organisations[code]; ok || code == "" {
		return known, nil
	}
	found, _, err := first(ctx, b.Organisations, map[string]any{"code": code})
	if err == nil {
		b.organisations[code] = found
	}
	return found, err
}

// permit refuses what the scope does not hold, and what cannot be.
func (b *batch) permit(p *rowPlan, s rowState) error {
	switch {
	case p.Organisation != "" && s.organisation.ID == 0 && !b.founds,
		p.Organisation != "" && s.organisation.ID != 0 && !b.scope.Owns(s.organisation.ID):
		return coded("organisation-unknown", "organisation", "%s is not known; name one of your own", strconv.Quote(p.Organisation))
	case s.device.ID != 0 && !b.scope.Owns(s.device.OrganisationID):
		return coded("device-unavailable", "device", "%s is not available; choose another code", strconv.Quote(p.Device))
	case s.thing.ID != 0 && !b.scope.Owns(s.thing.OrganisationID):
		return coded("station-unavailable", "station", "%s is not available; choose another code", strconv.Quote(p.Station))
	case p.Organisation == "" && s.device.ID == 0 && !b.scope.All && len(b.scope.Own) != 1:
		return coded("organisation-missing", "organisation", "is required: the code of the organisation that owns the device")
	case s.device.ID != 0 && s.device.SensorID != s.sensor.ID && len(s.deployments) > 0:
		return coded("model-fixed", "model", "a device that was deployed keeps its model; register the new unit as a device of its own")
	}
	if err := b.permitInstall(p, s); err != nil {
		return err
	}
	return b.permitName(p, s)
}

// permitInstall leaves it to administrators what belongs to whom.
func (b *batch) permitInstall(p *rowPlan, s rowState) error {
	if p.Organisation != "" && s.device.ID != 0 && s.device.OrganisationID != s.organisation.ID && b.scope.InstallOnly(s.device.OrganisationID) {
		return coded("install-only", "organisation", "only an administrator gives a device to another organisation")
	}
	return nil
}

// permitName keeps readings from going to another device.
func (b *batch) permitName(p *rowPlan, s rowState) error {
	for _, name := range []string{p.Device, strings.ToUpper(p.DevEUI)} {
		if other, ok := b.registry.holder(name); ok && other != s.device.ID {
			err := coded("name-taken", "dev_eui", "%s is the code or the DevEUI of another device; choose another", strconv.Quote(name))
			err.Kind = ErrConflict
			if name == p.Device {
				err.Field = "device"
			}
			return err
		}
	}
	return nil
}

// holder is the device of a code or DevEUI.
func (r *Registry) holder(name string) (id int64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if u := r.index.units.get(name); u != nil && name != "" {
		return u.id, true
	}
	return 0, false
}

// ownerOf is whose a new device is.
func (b *batch) ownerOf(s rowState) int64 {
	if s.organisation.ID == 0 && !b.scope.All && len(b.scope.Own) == 1 {
		return b.scope.Own[0]
	}
	return s.organisation.ID
}

// wanted is the device as the row has it; what the row leaves out stays.
func (b *batch) wanted(p *rowPlan, s rowState) Device {
	d := s.device
	d.Code, d.SensorID = p.Device, s.sensor.ID
	if !sameText(p.Serial, d.Serial) {
		d.Serial = orElse(p.Serial, d.Serial)
	}
	d.DevEUI = strings.ToUpper(orElse(p.DevEUI, d.DevEUI))
	switch {
	case s.organisation.ID != 0:
		d.OrganisationID = s.organisation.ID
	case d.ID == 0:
		d.OrganisationID = b.ownerOf(s)
	}
	return d
}

func sameDevice(a, b Device) bool {
	return a.Code == b.Code && a.SensorID == b.SensorID && a.Serial == b.Serial && a.DevEUI == b.DevEUI && a.OrganisationID == b.OrganisationID
}

// sameText says that a text is what a file can hold of the other: no file
// keeps the spaces around it, carriage returns and control letters.
func sameText(a, b string) bool { return a == b || plain(a) == plain(b) }

func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case c == '\r':
			return -1
		case c < ' ' && c != '\n' && c != '\t', c == '\ufffe', c == '\uffff':
			return '\ufffd'
		}
		return c
	}, text))
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
