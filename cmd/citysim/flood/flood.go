// Package flood publishes as many readings as asked, at QoS 1, and writes to a
// ledger what the broker acknowledged. It has a publisher of its own because a
// general MQTT client spends most of its time per message on bookkeeping that
// is of no use here; a broker or hub that is killed under it costs nothing but
// time: what was not acknowledged is sent again, byte for byte.
package flood

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"cityhub/cmd/citysim/ledger"
)

// MaxDevices is as many as `citysim register` makes.
const MaxDevices = 1_000_000

// Options say what to send and how.
type Options struct {
	Broker             string // tcp://host:port or mqtt://host:port
	Username, Password string
	ClientID           string        // prefix of the connections' ids
	Devices            int           // flood-000001 …
	Fields             int           // values a message, 1…MaxFields
	Rate               float64       // messages a second over all; 0: as fast as acknowledged
	Count              int           // messages over all; 0: until Duration or the context ends
	Duration           time.Duration // 0: until Count or the context ends
	Connections        int
	Inflight           int           // unacknowledged messages a connection, 1…65535
	Stalled            time.Duration // reconnect when nothing is acknowledged for so long
	Drain              time.Duration // after the context or Duration: wait so long for acknowledgements
}

// Totals are what a run has done so far. They may be read at any time.
type Totals struct {
	Sent, Acked, Resent, Reconnects atomic.Int64
	Unacked                         atomic.Int64 // set at the end
	Trouble                         atomic.Value // string: why a connection ended last
}

// Run sends until the options or the context end it, then waits for what is
// under way. Every message ends up in the ledger, acked or not. It flushes the
// ledger once a second, and does not close it.
func Run(ctx context.Context, o Options, book *ledger.Writer, before ledger.Contents, totals *Totals) error {
	address, err := o.check()
	if err != nil {
		return err
	}
	connections := min(o.Connections, o.Devices)
	fail := make(chan error, connections+1)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	if o.Duration > 0 {
		sending, stop = context.WithTimeout(ctx, o.Duration)
		defer stop()
	}
	var group sync.WaitGroup
	for i := range connections {
		s := newSender(o, i, connections, before, book, totals)
		s.address = address
		group.Go(func() {
			if err := s.run(sending); err != nil {
				fail <- err
				stop()
			}
		})
	}
	done := make(chan struct{})
	var flusher sync.WaitGroup
	flusher.Go(func() { flushEachSecond(book, done, fail) })
	group.Wait()
	close(done)
	flusher.Wait()
	close(fail)
	err = book.Flush()
	for e := range fail {
		err = errors.Join(err, e)
	}
	return err
}

func flushEachSecond(book *ledger.Writer, done <-chan struct{}, fail chan<- error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if err := book.Flush(); err != nil {
				fail <- err
				return
			}
		}
	}
}

// check refuses options that make no sense and gives the broker's address.
func (o Options) check() (string, error) {
	u, err := url.Parse(o.Broker)
	if err != nil || (u.Scheme != "tcp" && u.Scheme != "mqtt") || u.Host == "" {
		return "", fmt.Errorf("broker: %q is not like tcp://127.0.0.1:1883", o.Broker)
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "1883"
	}
	switch {
	case o.Devices < 1 || o.Devices > MaxDevices:
		err = fmt.Errorf("devices: %d is not within 1…%d", o.Devices, MaxDevices)
	case o.Connections < 1:
		err = fmt.Errorf("connections: %d is not at least 1", o.Connections)
	case o.Inflight < 1 || o.Inflight > 65535:
		err = fmt.Errorf("inflight: %d is not within 1…65535", o.Inflight)
	case o.Fields < 1 || o.Fields > MaxFields:
		err = fmt.Errorf("payload-fields: %d is not within 1…%d", o.Fields, MaxFields)
	}
	return net.JoinHostPort(host, port), err
}
