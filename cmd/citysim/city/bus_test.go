package city

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"
)

// rides gives the messages of buses alone.
func rides(t *testing.T, seed uint64, start time.Time, span time.Duration) []Message {
	t.Helper()
	s := NewSimulator(nil, seed, start, 0, Faults{})
	s.AddBuses(Fleet(DemoBuses, seed, start), start)
	return take(t, s, start, span)
}

func TestBusesDriveBelievably(t *testing.T) {
	morning := time.Date(2026, time.August, 12, 0, 30, 0, 0, time.UTC) // 7:30 in Hanoi
	mean := func(start time.Time) float64 {
		sum, n, last := 0.0, 0, map[string]Message{}
		for _, m := range rides(t, 1, start, 30*time.Minute) {
			var told struct{ Position [2]float64 }
			if err := json.Unmarshal(m.Payload, &told); err != nil {
				t.Fatal(err)
			}
			if before, known := last[m.Station.Device]; known {
				var at struct{ Position [2]float64 }
				if err := json.Unmarshal(before.Payload, &at); err != nil {
					t.Fatal(err)
				}
				metres := metresBetween(landmark{lon: at.Position[0], lat: at.Position[1]}, landmark{lon: told.Position[0], lat: told.Position[1]})
				speed := metres / m.Measured.Sub(before.Measured).Seconds()
				if speed > 60/3.6 {
					t.Fatalf("%s does %.0f km/h", m.Station.Device, speed*3.6)
				}
				sum, n = sum+speed, n+1
			}
			last[m.Station.Device] = m
		}
		if len(last) != DemoBuses {
			t.Fatalf("%d buses drive", len(last))
		}
		return sum / float64(n) * 3.6
	}
	rush, night := mean(morning), mean(morning.Add(-5*time.Hour))
	if rush > 0.8*night || rush < 4 || night > 40 || math.IsNaN(rush) {
		t.Errorf("%.1f km/h at the rush hour, %.1f at night", rush, night)
	}
}

func TestSameSeedSameRides(t *testing.T) {
	a, b := rides(t, 7, noon(), 5*time.Minute), rides(t, 7, noon(), 5*time.Minute)
	if len(a) != len(b) || len(a) < DemoBuses*25 {
		t.Fatalf("%d messages, then %d", len(a), len(b))
	}
	for i := range a {
		if !bytes.Equal(a[i].Payload, b[i].Payload) {
			t.Fatalf("message %d: %s, then %s", i, a[i].Payload, b[i].Payload)
		}
	}
}
