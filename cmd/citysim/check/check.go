// Package check proves through the hub's public API what became of the
// readings in a ledger: each one that the broker acknowledged must be readable
// exactly once, or stand in quarantine.
package check

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"sync"
	"time"

	"cityhub/cmd/citysim/ledger"
)

// Options say whom to ask and how long to wait.
type Options struct {
	Hub     string // http://host:port
	Key     string // API key, "" for none
	Wait    time.Duration
	Limit   int // items a page
	Workers int // requests at once
	// Progress is told what is going on; it may be nil.
	Progress func(stage string, done, of int64)
}

// Report is what was found.
type Report struct {
	Acked, Unacked  int // in the ledger
	Readable        int // acked, and readable with the right value
	Quarantined     int // acked, not readable, in quarantine
	UnackedStored   int // harmless
	Foreign         int // readings of the same devices and span that the ledger does not know
	Lost            []ledger.Record
	Wrong           []ledger.Record // readable with another value
	Duplicates      int             // readings beyond the first of an instant
	FirstDuplicates []string
	Spooled         int64 // readings that still waited in the spool at the end
}

// OK says whether the promise was kept.
func (r Report) OK() bool { return len(r.Lost) == 0 && len(r.Wrong) == 0 && r.Duplicates == 0 }

// Run compares until all is well or the time to wait is over: a broker may
// hold what the hub has still to fetch, and the spool what is to be archived.
func Run(ctx context.Context, o Options, contents ledger.Contents) (Report, error) {
	hub, err := url.Parse(o.Hub)
	if err != nil || hub.Host == "" {
		return Report{}, fmt.Errorf("hub: %q is not like http://127.0.0.1:8080", o.Hub)
	}
	c := &checker{o: o, client: &client{http: &http.Client{Timeout: time.Minute}, hub: hub, key: o.Key}}
	if o.Progress == nil {
		c.o.Progress = func(string, int64, int64) {}
	}
	deadline := time.Now().Add(o.Wait)
	spooled, err := c.drained(ctx, deadline)
	if err != nil {
		return Report{}, err
	}
	runs := byDevice(contents.Records)
	c.found = make([]finding, len(runs))
	open := make([]int, len(runs))
	for i := range open {
		open[i] = i
	}
	for {
		report, err := c.pass(ctx, runs, open)
		report.Spooled = spooled
		if err != nil || len(report.Lost) == 0 || !time.Now().Before(deadline) {
			return report, err
		}
		open = c.incomplete()
		c.o.Progress("waiting for missing readings", int64(report.Acked-len(report.Lost)), int64(report.Acked))
		pause(ctx, time.Second)
		if spooled, err = c.drained(ctx, deadline); err != nil {
			return report, err
		}
	}
}

type checker struct {
	o      Options
	client *client
	found  []finding // by run
}

// drained waits until the spool is empty or the deadline has passed, and gives
// what is left in it.
func (c *checker) drained(ctx context.Context, deadline time.Time) (int64, error) {
	most := int64(0)
	for {
		left, err := c.client.spooled(ctx)
		if err != nil {
			return 0, err
		}
		most = max(most, left)
		if left == 0 || !time.Now().Before(deadline) {
			return left, nil
		}
		c.o.Progress("draining the spool", most-left, most)
		pause(ctx, 250*time.Millisecond)
		if ctx.Err() != nil {
			return left, ctx.Err()
		}
	}
}

// pass asks for the devices of the open runs and adds everything up.
func (c *checker) pass(ctx context.Context, runs [][]ledger.Record, open []int) (Report, error) {
	if err := c.readAll(ctx, runs, open); err != nil {
		return Report{}, err
	}
	kept, err := c.client.quarantined(ctx, strconv.Itoa(c.o.Limit))
	if err != nil {
		return Report{}, err
	}
	var r Report
	for i, f := range c.found {
		for _, record := range runs[i] {
			if record.State == ledger.Acked {
				r.Acked++
			} else {
				r.Unacked++
			}
		}
		r.add(f, kept)
	}
	return r, nil
}

func (r *Report) add(f finding, kept map[instantOf]bool) {
	const shown = 10
	r.Readable += f.readable
	r.UnackedStored += f.stored
	r.Foreign += f.foreign
	r.Wrong = append(r.Wrong, f.wrong...)
	r.Duplicates += len(f.duplicates)
	for _, d := range f.duplicates {
		if len(r.FirstDuplicates) < shown {
			r.FirstDuplicates = append(r.FirstDuplicates, fmt.Sprintf("datastream %d at %s, id %d", d.stream, instant(d.time), d.id))
		}
	}
	for _, m := range f.missing {
		if kept[instantOf{ledger.DeviceCode(m.Device), m.Time}] {
			r.Quarantined++
		} else {
			r.Lost = append(r.Lost, m)
		}
	}
}

func (c *checker) incomplete() []int {
	var open []int
	for i, f := range c.found {
		if len(f.missing) > 0 {
			open = append(open, i)
		}
	}
	return open
}

// readAll compares the open runs, some at once.
func (c *checker) readAll(ctx context.Context, runs [][]ledger.Record, open []int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan int)
	var mu sync.Mutex
	var failed error
	var done int64
	var group sync.WaitGroup
	for range max(1, c.o.Workers) {
		group.Go(func() {
			for i := range work {
				f, err := c.readOne(ctx, runs[i])
				mu.Lock()
				c.found[i] = f
				if err != nil && failed == nil {
					failed = err
					cancel()
				}
				done++
				c.o.Progress("reading devices", done, int64(len(open)))
				mu.Unlock()
			}
		})
	}
	for _, i := range open {
		work <- i
	}
	close(work)
	group.Wait()
	if failed == nil {
		failed = ctx.Err() // the caller's: ours is cancelled only on failure
	}
	return failed
}

// readOne compares one device.
func (c *checker) readOne(ctx context.Context, run []ledger.Record) (finding, error) {
	streams, err := c.client.datastreams(ctx, ledger.DeviceCode(run[0].Device), ledger.Property)
	if err != nil {
		return finding{}, err
	}
	var all []observation
	for _, stream := range streams {
		some, err := c.client.observations(ctx, stream, run[0].Time, run[len(run)-1].Time, c.o.Limit)
		if err != nil {
			return finding{}, err
		}
		all = append(all, some...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].time < all[j].time })
	return compare(run, all), nil
}
