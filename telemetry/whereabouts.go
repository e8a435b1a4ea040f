package telemetry

import (
	"math"
	"sync"
	"time"

	"cityhub/devices"
	"cityhub/geo"
)

// MaxSpeed is what no thing of a city does, in metres a second: 250 km/h.
const MaxSpeed = 250.0 / 3.6

const (
	slack  = 200.0 // metres by which a receiver may err between two positions
	agreed = 3     // positions that agree with each other outweigh the one before
)

// Fix is where a thing was, and when.
type Fix struct {
	Position geo.Position
	Time     int64 // phenomenonTime, nanoseconds since 1970
}

// Mover is told where things are now; *devices.Registry is one.
type Mover interface {
	Series(group int64) (devices.Target, error)
	MoveThings(moves []devices.Motion)
}

// Whereabouts holds where every mobile thing is now, and judges where it says
// to be. Newer by time wins: a late position changes nothing here.
type Whereabouts struct {
	mover Mover
	speed float64

	mu     sync.RWMutex
	things map[int64]whereabout
	moves  []devices.Motion // of the Tell under way
}

// whereabout is one thing's: its newest believed position, and those since
// that were not believed and agree with each other.
type whereabout struct {
	fix     Fix
	rival   Fix
	backers int // of rival
}

// NewWhereabouts holds nothing yet. Above speed, in metres a second, nothing
// moves; 0 is MaxSpeed.
func NewWhereabouts(mover Mover, speed float64) *Whereabouts {
	if speed == 0 {
		speed = MaxSpeed
	}
	return &Whereabouts{mover: mover, speed: speed, things: map[int64]whereabout{}}
}

// Of gives the newest believed position of a thing.
func (w *Whereabouts) Of(thing int64) (Fix, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	at, ok := w.things[thing]
	return at.fix, ok
}

// Judge answers Misplaced for a position that is not to be believed: latitude
// and longitude zero, as a receiver without a fix sends, or further from the
// thing's newest than it can have come in the time between.
func (w *Whereabouts) Judge(thing int64, f Fix) Quality {
	if f.Position.Lon == 0 && f.Position.Lat == 0 {
		return Misplaced
	}
	w.mu.RLock()
	at, known := w.things[thing]
	w.mu.RUnlock()
	if known && !w.reaches(at.fix, f) {
		return Misplaced
	}
	return 0
}

// reaches says whether a thing can have been at both, in whichever order.
func (w *Whereabouts) reaches(a, b Fix) bool {
	apart := time.Duration(math.Abs(float64(b.Time - a.Time)))
	return a.Position.Metres(b.Position) <= slack+w.speed*apart.Seconds()
}

// Tell takes the lines' positions in, and moves the things that are elsewhere.
func (w *Whereabouts) Tell(lines []Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moves = w.moves[:0]
	for i := range lines {
		if lines[i].Position != nil {
			w.tell(&lines[i])
		}
	}
	if len(w.moves) > 0 {
		w.mover.MoveThings(w.moves)
		w.moves = nil // the index holds them
	}
}

func (w *Whereabouts) tell(l *Line) {
	target, err := w.mover.Series(l.Group)
	if err != nil || target.Station == nil || !target.Station.Mobile {
		return
	}
	thing, f := target.Station.ID, Fix{*l.Position, l.Time}
	at, known := w.things[thing]
	if known && f.Time <= at.fix.Time {
		return
	}
	if l.Quality&Misplaced != 0 {
		if !known {
			return
		}
		if !w.outweighed(&at, f) {
			w.things[thing] = at
			return
		}
	}
	w.things[thing] = whereabout{fix: f}
	w.moves = append(w.moves, devices.Motion{Thing: thing, Position: f.Position})
}

// outweighed notes a position that was not believed, and says whether enough
// that agree have come in a row: then it was the older one that was wrong.
func (w *Whereabouts) outweighed(at *whereabout, f Fix) bool {
	if f.Position.Lon == 0 && f.Position.Lat == 0 {
		return false
	}
	if at.backers == 0 || !w.reaches(at.rival, f) {
		at.backers = 0
	}
	at.rival = f
	at.backers++
	return at.backers >= agreed
}
