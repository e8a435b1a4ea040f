package telemetry

import (
	"math"
	"sync"
	"time"

	"cityhub/devices"
)

// MaxSpeed is what no thing of a city does, in metres a second: 250 km/h.
const MaxSpeed = 250.0 / 3.6

const (
	slack  = 200.0 // metres by which a receiver may err between two positions
	agreed = 3     // positions that agree with each other outweigh the one before
)

// Groups finds what a group belongs to; *devices.Registry does.
type Groups interface {
	Series(group int64) (devices.Target, error)
}

// Whereabouts judges where mobile things say to be, and notes in the newest
// values what is to be believed. Newer by time wins: a late position changes
// nothing here.
type Whereabouts struct {
	groups Groups
	latest *Latest
	speed  float64

	mu     sync.Mutex
	rivals map[int64]rival // by thing
}

// rival are the positions of a thing, newer than the one believed, that were
// not believed and agree with each other.
type rival struct {
	Place
	backers int
}

// NewWhereabouts notes where things are in latest. Faster than speed, in metres
// a second, nothing moves; 0 is MaxSpeed.
func NewWhereabouts(groups Groups, latest *Latest, speed float64) *Whereabouts {
	if speed == 0 {
		speed = MaxSpeed
	}
	return &Whereabouts{groups: groups, latest: latest, speed: speed, rivals: map[int64]rival{}}
}

// Judge answers Misplaced for a position that is not to be believed: latitude
// and longitude zero, as a receiver without a fix sends, or further from the
// thing's newest than it can have come in the time between.
func (w *Whereabouts) Judge(thing int64, p Place) Quality {
	if p.Lon == 0 && p.Lat == 0 {
		return Misplaced
	}
	if at, known := w.latest.Place(thing); known && !w.reaches(at, p) {
		return Misplaced
	}
	return 0
}

// reaches says whether a thing can have been at both, in whichever order.
func (w *Whereabouts) reaches(a, b Place) bool {
	apart := math.Abs(float64(b.Time-a.Time)) / float64(time.Second)
	return a.Metres(b.Position) <= slack+w.speed*apart
}

// Tell takes the lines' positions in.
func (w *Whereabouts) Tell(lines []Line) {
	for i := range lines {
		if lines[i].Position != nil {
			w.tell(&lines[i])
		}
	}
}

func (w *Whereabouts) tell(l *Line) {
	target, err := w.groups.Series(l.Group)
	if err != nil || target.Station == nil || !target.Station.Mobile {
		return
	}
	thing, p := target.Station.ID, Place{*l.Position, l.Time}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Quality&Misplaced != 0 && !w.outweighs(thing, p) {
		return
	}
	if w.latest.Move(thing, p.Position, p.Time) {
		delete(w.rivals, thing)
	}
}

// outweighs notes a position that was not believed, and says whether enough
// that agree have come in a row: then it was the older one that was wrong.
func (w *Whereabouts) outweighs(thing int64, p Place) bool {
	at, known := w.latest.Place(thing)
	if !known || p.Time <= at.Time || p.Lon == 0 && p.Lat == 0 {
		return false
	}
	r, had := w.rivals[thing]
	if !had || !w.reaches(r.Place, p) {
		r.backers = 0
	}
	r.Place = p
	r.backers++
	w.rivals[thing] = r
	return r.backers >= agreed
}
