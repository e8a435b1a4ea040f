package influx

import "time"

// stopwatch sums the time of batches of 5,000 lines.
type stopwatch struct {
	total   time.Duration
	batches int
}

func (s *stopwatch) time(run func()) {
	start := time.Now()
	run()
	s.total += time.Since(start)
	s.batches++
}

// rate is in lines a second.
func (s *stopwatch) rate() float64 { return float64(5000*s.batches) / s.total.Seconds() }
