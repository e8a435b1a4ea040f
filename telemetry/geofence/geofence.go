package geofence

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"cityhub/telemetry"
)

// Options says what fences work with. All are required save Listener.
type Options struct {
	Registry Registry
	Store    Store
	Listener Listener
	Zone     *time.Location // whose days decide which boundary counts
	Log      *slog.Logger
}

const (
	most   = 1 << 16 // positions, and events, that wait at most
	settle = 30 * time.Second
	again  = time.Second
	finish = 2 * time.Second
)

// Fences watches the positions of mobile things. It is a telemetry.Watcher
// that only notes them; Run looks at them.
type Fences struct {
	o     Options
	watch watch

	mu      sync.Mutex
	waiting []sighting
	dropped int64
	wake    chan struct{}
}

// New makes fences; nothing is looked at before Run.
func New(o Options) *Fences {
	return &Fences{o: o, wake: make(chan struct{}, 1), watch: watch{calendar: calendar{registry: o.Registry, zone: o.Zone},
		visitors: map[int64]*visitor{}, changed: Kept{Sightings: map[int64]int64{}}}}
}

// Tell implements telemetry.Watcher. Where too much waits, the oldest
// positions go unseen: the next ones show what has been crossed.
func (f *Fences) Tell(lines []telemetry.Line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range lines {
		position, ok := lines[i].Place()
		if !ok {
			continue
		}
		target, err := f.o.Registry.Series(lines[i].Group)
		if err == nil && target.Station != nil && target.Station.Mobile {
			f.waiting = append(f.waiting, sighting{target.Station, lines[i].Time, position})
		}
	}
	if over := len(f.waiting) - most; over > 0 {
		f.waiting = append(f.waiting[:0], f.waiting[over:]...)
		f.dropped += int64(over)
	}
	if len(f.waiting) > 0 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// Run looks at positions until the context ends; then it keeps what it knows.
func (f *Fences) Run(ctx context.Context) error {
	if !f.load(ctx) {
		return nil
	}
	tick := time.NewTicker(settle)
	defer tick.Stop()
	var retry <-chan time.Time
	for {
		due := false
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
			defer cancel()
			f.watch.see(f.take())
			return f.keep(last)
		case <-f.wake:
			f.watch.see(f.take())
			due = retry == nil && len(f.watch.changed.States)+len(f.watch.changed.Events) > 0
		case <-tick.C:
			due = true
		case <-retry:
			due = true
		}
		if !due {
			continue
		}
		retry = nil
		if err := f.keep(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("geofence events wait: the store does not keep them", "error", err)
			retry = time.After(again)
		}
	}
}

// load learns what is known, and tries until it does; false when the context
// ends.
func (f *Fences) load(ctx context.Context) bool {
	for {
		states, sightings, err := f.o.Store.Load(ctx)
		if err == nil {
			for thing, last := range sightings {
				f.watch.visitors[thing] = &visitor{last: last}
			}
			for _, s := range states {
				if v := f.watch.visitors[s.Thing]; v != nil {
					v.states = append(v.states, s)
				}
			}
			return true
		}
		if ctx.Err() == nil {
			f.o.Log.Error("geofences wait: the store does not answer", "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(again):
		}
	}
}

func (f *Fences) take() []sighting {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken, dropped := f.waiting, f.dropped
	f.waiting, f.dropped = nil, 0
	if dropped > 0 {
		f.o.Log.Warn("positions went past the geofences unseen", "positions", dropped)
	}
	return taken
}

// keep keeps what has changed, and tells of what happened.
func (f *Fences) keep(ctx context.Context) error {
	k := &f.watch.changed
	if len(k.States)+len(k.Events)+len(k.Sightings) == 0 {
		return nil
	}
	k.compact()
	if over := len(k.Events) - most; over > 0 {
		f.o.Log.Error("geofence events are lost: the store has been away for too long", "events", over)
		k.Events = k.Events[over:]
	}
	if err := f.o.Store.Keep(ctx, *k); err != nil {
		return err
	}
	if f.o.Listener != nil && len(k.Events) > 0 {
		f.o.Listener.Crossed(k.Events)
	}
	f.watch.changed = Kept{Sightings: map[int64]int64{}}
	return nil
}
