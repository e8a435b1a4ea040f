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
	var hubs, peers []drained
	for round := 0; round < most && !(quiet(hubs) >= rounds && quiet(peers) >= rounds); round++ {
		turns := []func(){
			func() { hubs = append(hubs, drain(t, fmt.Sprintf("hub %d", round+1), newHubConsumer, backlog)) },
			func() {
				peers = append(peers, drain(t, fmt.Sprintf("Telegraf %d", round+1), telegrafConsumer(program, best), backlog))
			},
		}
		turns[round%2]()
		turns[1-round%2]()
	}
	r.Note("A1 and A2 are medians of the quietest %d of %d rounds each; messages/s (others' CPU)", rounds, len(hubs))
	hubs, peers = quietest(r, "hub", hubs), quietest(r, "Telegraf", peers)
	took := func(d drained) float64 { return d.took.Seconds() }
	cpu := func(d drained) float64 { return d.perMessage(d.cpu) }
	store := func(d drained) float64 { return d.perMessage(d.store) }
	hub, peer := median(hubs, took), median(peers, took)
	r.Add(race.Row{What: "A1 drain, messages/s", Hub: backlog / hub, Peer: backlog / peer, Ratio: peer / hub, Goal: "≥ 3", Met: peer/hub >= 3, Others: foreign(hubs, peers)})
	hub, peer = median(hubs, cpu), median(peers, cpu)
	r.Add(race.Row{What: "A2 CPU, µs/message", Hub: hub, Peer: peer, Ratio: hub / peer, Goal: "≤ 0.25", Met: hub/peer <= 0.25, Others: foreign(hubs, peers)})
	hub, peer = median(hubs, store), median(peers, store)
	r.Add(race.Row{What: "   influxd's CPU, µs/message", Hub: hub, Peer: peer, Ratio: hub / peer, Others: foreign(hubs, peers)})
	return best
}

// quiet counts the rounds in which the machine was ours.
func quiet(all []drained) (n int) {
	for _, d := range all {
		if d.others <= noise {
			n++
		}
	}
	return n
}

// quietest chooses by the noise alone, never by the outcome.
func quietest(r *race.Report, who string, all []drained) []drained {
	slices.SortStableFunc(all, func(a, b drained) int { return cmp.Compare(a.others, b.others) })
	line := "   " + who + ":"
	for _, d := range all {
		line += fmt.Sprintf(" %.0f (%.0f %%)", float64(d.messages)/d.took.Seconds(), 100*d.others)
	}
	r.Note("%s", line)
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
