package city

import "testing"

func BenchmarkNext(b *testing.B) {
	s := NewSimulator(demo(b, DemoStations), 1, noon(), 0, SmallFaults())
	for b.Loop() {
		s.Next()
	}
}
