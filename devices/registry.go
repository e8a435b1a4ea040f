package devices

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cityhub/access"
)

// The refusals of Resolve.
var (
	ErrNotRegistered = errors.New("no device of this name is registered")
	ErrNotDeployed   = errors.New("the device stood at no thing at that time")
)

// Registry is the city's register of nouns: every change is validated, kept
// in the store and then taken into the index that resolves readings. It is
// safe for concurrent use.
type Registry struct {
	Organisations *Nouns[Organisation]
	Things        *Nouns[Thing]
	Locations     *Nouns[Location]
	Properties    *Nouns[ObservedProperty]
	Sensors       *Nouns[Sensor]
	Datastreams   *Nouns[Datastream]
	Devices       *Nouns[Device]
	Deployments   *Nouns[Deployment]
	Visits        *Nouns[Visit]
	VisitNotes    *Nouns[VisitNote]
	VisitPhotos   *Nouns[VisitPhoto]
	Zones         *Nouns[Zone]
	ZoneVersions  *Nouns[ZoneVersion] // to read; ShapeZone changes them
	Geofences     *Nouns[Fence]

	store    Store
	photos   PhotoStore // nil: there is no place for photos
	now      func() time.Time
	codec    func(ctx context.Context, source string) error // nil: not checked
	left     func(ctx context.Context, codes []string)      // nil: nobody has to know
	write    sync.Mutex                                     // one change at a time, so that checks hold until they are kept
	mu       sync.RWMutex
	revision uint64
	index    *index
}

// Open loads the registry from its store.
func Open(ctx context.Context, store Store, now func() time.Time) (*Registry, error) {
	r := &Registry{store: store, now: now, index: newIndex()}
	r.nouns()
	if err := r.index.load(ctx, store.Tables()); err != nil {
		return nil, fmt.Errorf("load the registry: %w", err)
	}
	return r, nil
}

// CheckCodecs has the JavaScript of every model checked before it is kept; it
// is called before the registry is used.
func (r *Registry) CheckCodecs(check func(ctx context.Context, source string) error) { r.codec = check }

// Target is what a reading of a device at a time belongs to.
type Target struct {
	DeviceID int64
	Device   string // code
	Station  *Station
	Series   *Series
	Model    *Model
}

// Publication tells who may see the newest reading of a slot, with where it
// was taken. That of a mobile thing is never published: it would tell where a
// vehicle is.
func (t *Target) Publication(slot int) access.Publication {
	if t.Station != nil && t.Station.Mobile {
		return access.Private
	}
	return t.Series.Publication(slot)
}

// Resolve finds the target of a device, named by code or DevEUI, at a time.
// It answers ErrNotRegistered or ErrNotDeployed.
func (r *Registry) Resolve(device string, at time.Time) (Target, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.index.units.get(device)
	if u == nil {
		return Target{}, ErrNotRegistered
	}
	b, ok := u.at(at.UnixNano())
	if !ok {
		return Target{}, ErrNotDeployed
	}
	t := Target{DeviceID: u.id, Device: u.code, Series: b.seat.series, Station: b.seat.station}
	if b.seat.mixed {
		t.Model = r.index.modelIn(u.sensor, t.Series)
	} else {
		t.Model = r.index.models[u.sensor]
	}
	return t, nil
}

// Series gives a group with its station and the model that fills it, or
// ErrNotFound.
func (r *Registry) Series(group int64) (Target, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.index.seriesOf(group)
	if s == nil {
		return Target{}, fmt.Errorf("group %d: %w", group, ErrNotFound)
	}
	sensor := s.SensorID
	if s.mixed {
		sensor = s.filler
	}
	return Target{Series: s, Station: r.index.stationOf(s.ThingID), Model: r.index.modelIn(sensor, s)}, nil
}

// Property finds an observed property by code.
func (r *Registry) Property(code string) (ObservedProperty, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, ok := r.index.properties[code]
	return p, ok
}

// Codec gives the JavaScript of the model of a device, named by code or
// DevEUI; false when the device or its codec is unknown.
func (r *Registry) Codec(device string) (source string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := r.index.units.get(device)
	if u == nil || r.index.models[u.sensor] == nil {
		return "", false
	}
	source = r.index.models[u.sensor].Sensor.Codec
	return source, source != ""
}

// Known says whether a device of this code or DevEUI is registered.
func (r *Registry) Known(device string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index.units.get(device) != nil
}

// Size is the number of stations, devices and groups in the index.
func (r *Registry) Size() (stations, devices, groups int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.index.stations), len(r.index.unitByID), len(r.index.series)
}

// work is one change under way: its transaction, and what the index has to
// learn once that is kept.
type work struct {
	Tables
	fresh
	registry *Registry
	entries  []func(*index)
	step     *DeviceEvent // what is told of the deployment under way; nil: nothing
	place    int64        // the group that the deployment under way fills; 0: the first that fits
	avoid    int64        // the group that it must not fill
}

func (w *work) then(entry func(*index)) { w.entries = append(w.entries, entry) }

// change runs do in one transaction and then brings the index up to date.
func (r *Registry) change(ctx context.Context, do func(context.Context, *work) error) error {
	return r.changeBy(ctx, r.store.Atomically, do)
}

func (r *Registry) changeBy(ctx context.Context, keep func(context.Context, func(Tables) error) error, do func(context.Context, *work) error) error {
	r.write.Lock()
	defer r.write.Unlock()
	w := &work{registry: r}
	err := keep(ctx, func(t Tables) error {
		w.Tables = t
		return do(ctx, w)
	})
	if err != nil {
		return err
	}
	if left := r.take(w.entries); len(left) > 0 && r.left != nil {
		r.left(context.WithoutCancel(ctx), left)
	}
	return nil
}

// take brings the index up to date, and answers the codes that are no longer
// those of the devices that had them.
func (r *Registry) take(entries []func(*index)) (left []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, enter := range entries {
		enter(r.index)
	}
	r.revision++
	left, r.index.left = r.index.left, nil
	return left
}

// OnLeave has somebody told of codes whose devices are gone or have other names
// now, before anything else changes. It is called before the registry is used.
func (r *Registry) OnLeave(told func(ctx context.Context, codes []string)) { r.left = told }

// Revision changes whenever anything of the registry may have.
func (r *Registry) Revision() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.revision
}
