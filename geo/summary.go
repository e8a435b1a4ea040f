package geo

import "math"

// Summary is what a cluster says of the values that it stands for.
type Summary struct {
	Count    int
	Numbers  int // of Count, those whose value is a number
	Min, Max float64
	Worst    uint8 // the highest of the states
	sum      float64
	lon, lat float64
}

// Add takes a place with its value, NaN where that is no number, and its state.
func (s *Summary) Add(p Position, value float64, state uint8) {
	s.Count++
	s.lon += p.Lon
	s.lat += p.Lat
	s.Worst = max(s.Worst, state)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	if s.Numbers++; s.Numbers == 1 {
		s.Min, s.Max = value, value
	}
	s.Min, s.Max = min(s.Min, value), max(s.Max, value)
	s.sum += value
}

// Mean is that of the numbers; NaN where there is none.
func (s *Summary) Mean() float64 { return s.sum / float64(s.Numbers) }

// Middle is the mean of the places. A cluster never spans the antimeridian,
// as no map cell does.
func (s *Summary) Middle() Position {
	n := float64(s.Count)
	return Position{Lon: s.lon / n, Lat: s.lat / n}
}

// Join takes the places of another summary.
func (s *Summary) Join(o *Summary) {
	if o.Numbers > 0 {
		if s.Numbers == 0 {
			s.Min, s.Max = o.Min, o.Max
		}
		s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
		s.sum += o.sum
		s.Numbers += o.Numbers
	}
	s.Count += o.Count
	s.lon += o.lon
	s.lat += o.lat
	s.Worst = max(s.Worst, o.Worst)
}
