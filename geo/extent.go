package geo

import "math"

// Extent is the smallest window around places that are added one by one. The
// zero Extent is around none.
type Extent struct {
	some         bool
	south, north float64
	west, east   float64 // as longitudes are, -180 to 180
	near, far    float64 // as from 0 to 360, so over the antimeridian
	high         bool    // a place has an altitude
	low, top     float64
}

// Add takes in a place.
func (e *Extent) Add(p Position) {
	e.take(p.Lon, p.Lat, p.Lon, p.Lat)
	if p.Alt == 0 {
		return
	}
	if !e.high {
		e.high, e.low, e.top = true, p.Alt, p.Alt
	}
	e.low, e.top = min(e.low, p.Alt), max(e.top, p.Alt)
}

// AddWindow takes in a window as BBox gives it: one whose MinLon is greater
// than its MaxLon lies across the antimeridian.
func (e *Extent) AddWindow(w Window) {
	for _, part := range w.parts() {
		e.take(part.MinLon, part.MinLat, part.MaxLon, part.MaxLat)
	}
}

func (e *Extent) take(west, south, east, north float64) {
	near, far := west, east
	switch {
	case west < 0 && east > 0:
		near, far = 0, 2*halfWay
	case west < 0:
		near, far = west+2*halfWay, east+2*halfWay
	}
	if !e.some {
		*e = Extent{some: true, south: south, north: north, west: west, east: east, near: near, far: far}
		return
	}
	e.south, e.north = math.Min(e.south, south), math.Max(e.north, north)
	e.west, e.east = math.Min(e.west, west), math.Max(e.east, east)
	e.near, e.far = math.Min(e.near, near), math.Max(e.far, far)
}

// Join takes in the places of another extent.
func (e *Extent) Join(o *Extent) {
	if !o.some {
		return
	}
	if !e.some {
		*e = *o
		return
	}
	e.south, e.north = math.Min(e.south, o.south), math.Max(e.north, o.north)
	e.west, e.east = math.Min(e.west, o.west), math.Max(e.east, o.east)
	e.near, e.far = math.Min(e.near, o.near), math.Max(e.far, o.far)
	if o.high && e.high {
		e.low, e.top = math.Min(e.low, o.low), math.Max(e.top, o.top)
	} else if o.high {
		e.high, e.low, e.top = true, o.low, o.top
	}
}

// Window is the extent; of two that hold all places the narrower one, which
// may go over the antimeridian: its MinLon is greater than its MaxLon then. It
// is false around nothing.
func (e *Extent) Window() (Window, bool) {
	w := Window{MinLon: e.west, MinLat: e.south, MaxLon: e.east, MaxLat: e.north}
	if e.far-e.near < e.east-e.west {
		if w.MinLon, w.MaxLon = e.near, e.far; e.far > halfWay {
			w.MaxLon -= 2 * halfWay
		}
	}
	return w, e.some
}

// AppendMember writes the extent as a bbox member with a comma before it, with
// the altitudes where there are any; nothing around nothing.
func (e *Extent) AppendMember(b []byte) []byte {
	w, some := e.Window()
	if !some {
		return b
	}
	b = append(b, `,"bbox":`...)
	if !e.high {
		return AppendWindow(b, w)
	}
	b = appendPosition(b, Position{w.MinLon, w.MinLat, e.low}, true)
	b[len(b)-1] = ','
	corner := len(b)
	b = appendPosition(b, Position{w.MaxLon, w.MaxLat, e.top}, true)
	return append(b[:corner], b[corner+1:]...)
}

// BBox is the smallest window around the area as RFC 7946 wants it: of one
// that is cut at the antimeridian, MinLon is greater than MaxLon.
func (a Area) BBox() Window {
	w := a.Window()
	if w.MinLon > -halfWay || w.MaxLon < halfWay {
		return w
	}
	var e Extent
	for _, polygon := range a {
		b := polygon.Bound()
		e.take(b.Min[0], b.Min[1], b.Max[0], b.Max[1])
	}
	w, _ = e.Window()
	return w
}
