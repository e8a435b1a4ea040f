package geo

import (
	"slices"
	"strings"

	"github.com/tidwall/rtree"
)

// Shape is a zone's outline over the days [From, To).
type Shape struct {
	*Outline
	Ref      int64 // the caller's name for it, unique
	Zone     int64 // the caller's name for the zone, which may have several shapes
	Kind     string
	Code     string
	From, To Day // To is 0 while it is open
}

// On says whether the shape is valid on a day.
func (s *Shape) On(day Day) bool { return s.From <= day && (s.To == 0 || day < s.To) }

// Shapes finds the zones of a position through a spatial index. It never
// changes, so that it is asked without a lock: With and Without give the next
// one, which shares what has not changed.
type Shapes struct {
	tree *rtree.RTreeG[*Shape]
}

// NewShapes has no shape yet.
func NewShapes() *Shapes { return &Shapes{&rtree.RTreeG[*Shape]{}} }

// With gives the index with one more shape. Only one caller at a time may make
// the next from the same index.
func (x *Shapes) With(s *Shape) *Shapes {
	next := x.tree.Copy()
	low, high := corners(s.Window())
	next.Insert(low, high, s)
	return &Shapes{next}
}

// Without gives the index without a shape that With has put in.
func (x *Shapes) Without(s *Shape) *Shapes {
	next := x.tree.Copy()
	low, high := corners(s.Window())
	next.Delete(low, high, s)
	return &Shapes{next}
}

// Len is the number of shapes.
func (x *Shapes) Len() int { return x.tree.Len() }

// At gives, for each kind, the one shape that a position belongs to on a day,
// by kind. It is the one that contains the position (see Outline.Contains); of
// several that overlap, the one with the lowest code; and where none contains
// it, of those on whose border it lies exactly the one with the lowest code.
// So every position that any shape of a kind covers belongs to exactly one.
func (x *Shapes) At(p Position, day Day) []*Shape {
	var found []candidate
	at := [2]float64{p.Lon, p.Lat}
	x.tree.Search(at, at, func(_, _ [2]float64, s *Shape) bool {
		if s.On(day) {
			if inside, border := s.locate(p.Point()); inside || border {
				found = append(found, candidate{s, inside})
			}
		}
		return true
	})
	slices.SortFunc(found, candidate.compare)
	found = slices.CompactFunc(found, func(a, b candidate) bool { return a.Kind == b.Kind })
	shapes := make([]*Shape, len(found))
	for i := range found {
		shapes[i] = found[i].Shape
	}
	return shapes
}

// candidate is a shape that covers a position.
type candidate struct {
	*Shape
	inside bool
}

func (c candidate) compare(d candidate) int {
	if c.Kind != d.Kind {
		return strings.Compare(c.Kind, d.Kind)
	}
	if c.inside != d.inside {
		if c.inside {
			return -1
		}
		return 1
	}
	return strings.Compare(c.Code, d.Code)
}

// Of gives the one shape of a kind that a position belongs to on a day; nil
// where there is none.
func (x *Shapes) Of(kind string, p Position, day Day) *Shape {
	for _, s := range x.At(p, day) {
		if s.Kind == kind {
			return s
		}
	}
	return nil
}

// Within gives the shapes that meet a window on a day, by kind and code. A
// window across the antimeridian is looked up in its two parts.
func (x *Shapes) Within(w Window, day Day) []*Shape {
	var found []*Shape
	for _, part := range w.parts() {
		low, high := corners(part)
		x.tree.Search(low, high, func(_, _ [2]float64, s *Shape) bool {
			if s.On(day) {
				found = append(found, s)
			}
			return true
		})
	}
	slices.SortFunc(found, func(a, b *Shape) int { return candidate{a, true}.compare(candidate{b, true}) })
	return slices.Compact(found)
}

func corners(w Window) (low, high [2]float64) {
	return [2]float64{w.MinLon, w.MinLat}, [2]float64{w.MaxLon, w.MaxLat}
}

// parts cuts a window at the antimeridian.
func (w Window) parts() []Window {
	if w.MinLon <= w.MaxLon {
		return []Window{w}
	}
	east, west := w, w
	east.MaxLon, west.MinLon = 180, -180
	return []Window{east, west}
}
