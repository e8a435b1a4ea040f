//go:build peers

package trials

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"cityhub/testbed/race"
)

// TestPeers measures the hub beside Telegraf, on the same messages, broker and
// database programs, in one run: `make race`. It ends with one table. Goals
// are ratios, save where a figure in milliseconds or messages a second was
// promised.
func TestPeers(t *testing.T) {
	program := telegrafProgram(t)
	report := &race.Report{}
	best := runDrains(t, report, program)
	runWindow(t, report, program, best)
	runLatency(t, report)
	runMap(t, report)
	runFans(t, report)
	report.End(t, machine(t, program))
}

// TestPeersDrain is A1 and A2 alone: `go test -tags peers -run '^TestPeersDrain$' -v ./trials`.
func TestPeersDrain(t *testing.T) {
	report := &race.Report{}
	program := telegrafProgram(t)
	runDrains(t, report, program)
	report.End(t, machine(t, program))
}

const (
	backlog = 200_000 // messages that wait at the broker
	trial   = 40_000  // of them to choose Telegraf's settings by
	rounds  = 5       // of each, taking turns
	most    = 8       // rounds, when other programs disturb them
)

// runDrains is A1 and A2. It answers the settings that Telegraf did best with.
func runDrains(t *testing.T, r *race.Report, program string) telegrafSettings {
	best := fastest(t, r, program)
	var all []round
	for n := 1; n <= most && quiet(all) < rounds; n++ {
		var both round
		turns := []func(){
			func() { both.hub = drain(t, fmt.Sprintf("hub %d", n), newHubConsumer, backlog) },
			func() {
				both.peer = drain(t, fmt.Sprintf("Telegraf %d", n), telegrafConsumer(program, best), backlog)
			},
		}
		turns[(n+1)%2]()
		turns[n%2]()
		all = append(all, both)
	}
	r.Note("A1 and A2 are medians of the quietest %d of %d rounds, the ratios those of each round; messages/s (others' CPU):", rounds, len(all))
	all = quietest(r, all)
	row := func(what string, of func(drained) float64) race.Row {
		hub, peer := median(all, func(o round) float64 { return of(o.hub) }), median(all, func(o round) float64 { return of(o.peer) })
		return race.Row{What: what, Hub: hub, Peer: peer, Ratio: median(all, func(o round) float64 { return of(o.hub) / of(o.peer) }),
			Others: median(all, round.others)}
	}
	a1 := row("A1 drain, messages/s", func(d drained) float64 { return backlog / d.took.Seconds() })
	a1.Goal, a1.Met = "≥ 3", a1.Ratio >= 3
	a2 := row("A2 CPU, µs/message", func(d drained) float64 { return d.perMessage(d.cpu) })
	a2.Goal, a2.Met = "≤ 0.25", a2.Ratio <= 0.25
	r.Add(a1)
	r.Add(a2)
	r.Add(row("   influxd's CPU, µs/message", func(d drained) float64 { return d.perMessage(d.store) }))
	return best
}

// round is one of each, right after another: the machine's speed drifts by half
// within minutes, and only who ran at the same speed can be compared.
type round struct{ hub, peer drained }

func (o round) others() float64 { return max(o.hub.others, o.peer.others) }

// quiet counts the rounds in which the machine was ours.
func quiet(all []round) (n int) {
	for _, o := range all {
		if o.others() <= noise {
			n++
		}
	}
	return n
}

// quietest chooses by the noise alone, never by the outcome.
func quietest(r *race.Report, all []round) []round {
	for i, o := range all {
		rate := func(d drained) float64 { return float64(d.messages) / d.took.Seconds() }
		r.Note("   round %d: hub %.0f (%.0f %%), Telegraf %.0f (%.0f %%), %.2f", i+1, rate(o.hub), 100*o.hub.others,
			rate(o.peer), 100*o.peer.others, rate(o.hub)/rate(o.peer))
	}
	slices.SortStableFunc(all, func(a, b round) int { return cmp.Compare(a.others(), b.others()) })
	return all[:rounds]
}

// fastest gives Telegraf the settings that it drains a smaller backlog with
// soonest.
func fastest(t *testing.T, r *race.Report, program string) telegrafSettings {
	best, soonest := telegrafSettings{}, time.Hour
	for i, s := range []telegrafSettings{
		{undelivered: 1000, batch: 5000, flush: "200ms"},
		{undelivered: 5000, batch: 5000, flush: "1s"},
		{undelivered: 5000, batch: 1000, flush: "200ms"},
		{undelivered: 5000, batch: 500, flush: "200ms"},
		{undelivered: 5000, batch: 250, flush: "200ms"},
	} {
		d := drain(t, fmt.Sprintf("Telegraf, settings %d", i+1), telegrafConsumer(program, s), trial)
		r.Note("Telegraf with %s: %.0f messages/s, %.1f µs/message", s, trial/d.took.Seconds(), d.perMessage(d.cpu))
		if d.took < soonest {
			best, soonest = s, d.took
		}
	}
	r.Note("Telegraf goes on with %s", best)
	return best
}
