package telemetry_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cityhub/telemetry"
)

// Without a sample a sum over a counter is no number, and an alarm on it silent.
func TestWhatHasNotHappenedIsShownAsNought(t *testing.T) {
	registry, counters := prometheus.NewRegistry(), telemetry.NewCounters()
	telemetry.NewMetrics(registry, counters, telemetry.NewSequences(), telemetry.NewForwarder(telemetry.ForwarderOptions{}), []string{"native", "replay"})
	counters.Drop("of tomorrow", 3)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	samples, sums := map[string]int{}, map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			samples[f.GetName()]++
			sums[f.GetName()] += m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]int{"received_total": 3, "rejected_total": 18, "quarantined_total": 18, "quarantined_late_total": 1,
		"dropped_total": 3, "accepted_total": 1, "quarantine_dropped_total": 1} {
		if samples["cityhub_"+name] != want {
			t.Errorf("%s has %d samples, want %d", name, samples["cityhub_"+name], want)
		}
	}
	if sums["cityhub_dropped_total"] != 3 {
		t.Errorf("sums %v", sums)
	}
}

func TestWhatAFullQuarantineGivesUpIsCounted(t *testing.T) {
	w := openWayOn(t, bounds{quarantine: 3}, t.TempDir(), time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC), nil)
	for range 5 {
		w.send(reading("nobody", w.now, -1, "pm25", telemetry.NumberOf(1)))
	}
	if totals := w.drained(); totals.QuarantineDropped != 2 || len(w.items()) != 3 {
		t.Errorf("%+v, %d items", totals, len(w.items()))
	}
}
