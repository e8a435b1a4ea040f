package statistics

import (
	"context"
	"math"

	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
)

// Function makes one number of what was read in a frame.
type Function string

// The functions.
const (
	Mean Function = "mean"
	Min  Function = "min"
	Max  Function = "max"
	Last Function = "last"
)

func (f Function) need() telemetry.Need {
	switch f {
	case Min, Max:
		return telemetry.NeedBounds
	case Last:
		return telemetry.NeedEnds
	}
	return telemetry.NeedSum
}

// FrameQuery asks what stations' readings tell frame by frame.
type FrameQuery struct {
	Span
	Starts   []int64          // of the frames, ascending from Span.From; each ends where the next begins
	Coarsest telemetry.Bucket // the coarsest roll-up that no frame cuts
	Function Function
	Keeps    func(at *geo.Position) bool // whether what a moving station read at a place counts
}

// Player is a station that is played back.
type Player struct {
	Station  *devices.Station
	Position *geo.Position // where it stood; nil where that is not known, or it moves
	Moves    bool          // its places are the frames'
}

// Frame is one step of time.
type Frame struct {
	Values []float64               // by player; not a number where nothing was read
	Places map[int]telemetry.Place // of players that move: where they read last
	tallies
}

// tallies hold what the function needs beside the value.
type tallies struct {
	counts []int64
	times  []int64
}

// Frames gives the stations and the frames. Stations that move and were never
// read at a place that counts have no value and no place in any frame.
func Frames(ctx context.Context, history *telemetry.History, q *FrameQuery) ([]Player, []Frame, error) {
	arrange(q.Sources)
	f := &framing{query: q, ruler: ruler{starts: q.Starts}, player: make([]int, len(q.Sources)), frames: make([]Frame, len(q.Starts))}
	f.meet()
	for i := range f.frames {
		f.frames[i] = newFrame(len(f.players), q.Function)
	}
	r := reading{history: history, span: &q.Span, coarsest: q.Coarsest, need: q.Function.need(), take: f.take}
	if err := r.run(ctx); err != nil {
		return nil, nil, err
	}
	f.finish()
	return f.players, f.frames, nil
}

func newFrame(players int, function Function) Frame {
	frame := Frame{Values: make([]float64, players)}
	for i := range frame.Values {
		frame.Values[i] = math.NaN()
	}
	switch function {
	case Mean:
		frame.counts = make([]int64, players)
	case Last:
		frame.times = make([]int64, players)
	}
	return frame
}

// framing sorts pieces into frames.
type framing struct {
	query   *FrameQuery
	ruler   ruler
	player  []int // by source
	players []Player
	frames  []Frame
}

// meet makes one player of the sources of each thing.
func (f *framing) meet() {
	for i := range f.query.Sources {
		s := &f.query.Sources[i]
		if i == 0 || s.Station.ID != f.query.Sources[i-1].Station.ID {
			at, moves := f.query.Stood(s)
			f.players = append(f.players, Player{Station: s.Station, Position: at, Moves: moves})
		}
		f.player[i] = len(f.players) - 1
	}
}

// Stood is where a datastream's thing stood all through the span, nil where
// that is not known; or it moves.
func (q *FrameQuery) Stood(s *devices.Measured) (at *geo.Position, moves bool) {
	if s.Station.Mobile {
		return nil, true
	}
	if len(s.Stands) == 0 {
		return s.Station.Position, false
	}
	at, whole := standing(s.Stands, q.From, q.To)
	return at, !whole
}

func (f *framing) take(p *piece) {
	player := f.player[p.source]
	moves := f.players[player].Moves
	if moves && !f.query.Keeps(p.at) {
		return
	}
	frame := &f.frames[f.ruler.of(p.Time)]
	frame.add(player, p.Told, f.query.Function)
	if moves && p.at != nil {
		frame.move(player, p)
	}
}

// move notes where a player was, unless a later place is known: what was torn
// is read after the rest.
func (f *Frame) move(player int, p *piece) {
	if f.Places == nil {
		f.Places = map[int]telemetry.Place{}
	}
	if known, ok := f.Places[player]; !ok || p.Time >= known.Time {
		f.Places[player] = telemetry.Place{Position: *p.at, Time: p.Time}
	}
}

func (f *Frame) add(player int, told *telemetry.Told, function Function) {
	value := &f.Values[player]
	empty := math.IsNaN(*value)
	switch function {
	case Min:
		if empty || told.Min < *value {
			*value = told.Min
		}
	case Max:
		if empty || told.Max > *value {
			*value = told.Max
		}
	case Last:
		if empty || told.Time >= f.times[player] {
			*value, f.times[player] = told.Last, told.Time
		}
	default:
		if empty {
			*value = 0
		}
		*value += told.Sum
		f.counts[player] += told.Count
	}
}

// finish makes means of sums.
func (f *framing) finish() {
	for i := range f.frames {
		for player, count := range f.frames[i].counts {
			if count > 0 {
				f.frames[i].Values[player] /= float64(count)
			}
		}
	}
}

// Starts gives the begins of the frames of a step that [from, to) touches, and
// the end of the last, all in nanoseconds since 1970. A step below an hour has
// to divide the hour, any other the day in whole hours; days are the city's.
func Starts(history *telemetry.History, step, from, to int64) (starts []int64, end int64) {
	if step <= hourNanos {
		end = from - mod(from, step)
		for ; end < to; end += step {
			starts = append(starts, end)
		}
		return starts, end
	}
	for day := history.DayBegin(from); end < to; day = history.DayAfter(day) {
		after := history.DayAfter(day)
		for begin := day; begin < after && begin < to; begin = end {
			if end = min(begin+step, after); step == 24*hourNanos {
				end = after // some days are longer
			}
			if end > from {
				starts = append(starts, begin)
			}
		}
	}
	return starts, end
}

// mod is the remainder towards negative infinity.
func mod(a, b int64) int64 { return (a%b + b) % b }
