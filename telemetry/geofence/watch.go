package geofence

import (
	"cmp"
	"slices"
	"time"

	"cityhub/devices"
	"cityhub/geo"
)

// sighting is one position of one thing.
type sighting struct {
	station *devices.Station
	at      int64
	geo.Position
}

// visitor is a thing that was seen.
type visitor struct {
	last   int64 // time of the newest position looked at; 0: none yet
	states []State
}

// watch looks at positions, one after another.
type watch struct {
	calendar calendar
	visitors map[int64]*visitor
	changed  Kept // since the last Keep
}

// see looks at positions in order of time. One that is older than the newest
// of its thing tells nothing: what it would have crossed is settled.
func (w *watch) see(all []sighting) {
	w.calendar.look()
	slices.SortStableFunc(all, func(a, b sighting) int { return cmp.Compare(a.at, b.at) })
	for i := range all {
		w.one(&all[i])
	}
}

func (w *watch) one(s *sighting) {
	posts := w.calendar.on(s.at)
	if len(posts.all) == 0 {
		return
	}
	v := w.visitors[s.station.ID]
	if v == nil {
		v = &visitor{}
		w.visitors[s.station.ID] = v
	}
	if s.at <= v.last {
		return
	}
	before := v.last
	v.last = s.at
	w.changed.Sightings[s.station.ID] = s.at
	for i := range posts.all {
		p := &posts.all[i]
		if !p.window.Contains(s.Position) && !v.near(p.ID) {
			continue
		}
		w.at(p, v, s, before)
	}
}

// near says whether the thing is in a fence, or about to be.
func (v *visitor) near(fence int64) bool {
	for i := range v.states {
		if v.states[i].Fence == fence {
			return true
		}
	}
	return false
}

// at looks at a thing at one fence.
func (w *watch) at(p *post, v *visitor, s *sighting, before int64) {
	known := slices.IndexFunc(v.states, func(st State) bool { return st.Fence == p.ID })
	if known >= 0 && v.states[known].Since != p.since {
		v.states = slices.Delete(v.states, known, known+1)
		known = -1
	}
	if known < 0 && !p.window.Contains(s.Position) || !p.watches(s.station) {
		return
	}
	where := p.side(s.Position)
	if known < 0 && where != inside {
		return
	}
	state := State{Fence: p.ID, Thing: s.station.ID, Since: p.since}
	if known >= 0 {
		state = v.states[known]
	}
	old := state
	if known < 0 && before < p.since {
		state.Inside = true // it was there already, as far as anybody knows
	} else if crossed, when, from := state.step(where, s.Position, s.at, p.Hold.Nanoseconds()); crossed {
		w.changed.Events = append(w.changed.Events, &Event{Fence: p.ID, Zone: p.ZoneID, Thing: s.station.ID, Entered: state.Inside,
			Time: time.Unix(0, when).UTC(), Confirmed: time.Unix(0, s.at).UTC(), Position: from})
	}
	if state != old || known < 0 {
		w.put(v, known, state)
	}
}

// put takes a state over; one that says nothing is forgotten.
func (w *watch) put(v *visitor, known int, s State) {
	w.changed.States = append(w.changed.States, s)
	idle := !s.Inside && s.Pending == 0
	switch {
	case known < 0 && !idle:
		v.states = append(v.states, s)
	case known >= 0 && idle:
		v.states = slices.Delete(v.states, known, known+1)
	case known >= 0:
		v.states[known] = s
	}
}

// compact leaves of each state the last.
func (k *Kept) compact() {
	type key struct{ fence, thing int64 }
	seen, kept := map[key]bool{}, k.States[:0:0]
	for i := len(k.States) - 1; i >= 0; i-- {
		if at := (key{k.States[i].Fence, k.States[i].Thing}); !seen[at] {
			seen[at] = true
			kept = append(kept, k.States[i])
		}
	}
	k.States = kept
}
