package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"cityhub/cmd/citysim/flood"
	"cityhub/cmd/citysim/ledger"
)

// brokerFlags say how to reach the broker; both publishing commands have them.
type brokerFlags struct {
	Broker   string `help:"The broker." default:"tcp://127.0.0.1:1883" env:"CITYSIM_BROKER"`
	Username string `help:"MQTT user name." env:"CITYSIM_USERNAME"`
	Password string `help:"MQTT password; better in the environment." env:"CITYSIM_PASSWORD"`
	ClientID string `help:"Beginning of the connections' client ids." default:"citysim"`
}

type floodCommand struct {
	brokerFlags
	Ledger        string        `help:"File to which what was sent is appended." required:"" type:"path"`
	Devices       int           `help:"Publish for flood-000001 … so many." default:"1000"`
	Rate          float64       `help:"Messages a second; 0: as fast as they are acknowledged."`
	Count         int           `help:"End after so many messages; 0: no end." `
	Duration      time.Duration `help:"End after so long; 0: no end."`
	Connections   int           `help:"MQTT connections." default:"4"`
	Inflight      int           `help:"Unacknowledged messages a connection." default:"500"`
	PayloadFields int           `help:"Values a message, 1…5." default:"5"`
	Stalled       time.Duration `help:"Reconnect when nothing is acknowledged for so long." default:"30s"`
	Drain         time.Duration `help:"Wait so long for the last acknowledgements after the end of --duration or an interrupt." default:"30s"`
}

// Run publishes and keeps the ledger.
func (c *floodCommand) Run(ctx context.Context) (err error) {
	book, before, err := ledger.Open(c.Ledger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	options := flood.Options{
		Broker: c.Broker, Username: c.Username, Password: c.Password, ClientID: c.ClientID + "-flood",
		Devices: c.Devices, Fields: c.PayloadFields, Rate: c.Rate, Count: c.Count, Duration: c.Duration,
		Connections: c.Connections, Inflight: c.Inflight, Stalled: c.Stalled, Drain: c.Drain,
	}
	var totals flood.Totals
	started := time.Now()
	done := make(chan error, 1)
	go func() { done <- flood.Run(ctx, options, book, before, &totals) }()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			tell(&totals, time.Since(started))
			return err
		case <-tick.C:
			tell(&totals, time.Since(started))
		}
	}
}

func tell(t *flood.Totals, passed time.Duration) {
	acked := t.Acked.Load()
	fmt.Fprintf(os.Stderr, "%s sent %d acked %d (%.0f/s) resent %d unacked %d reconnects %d",
		passed.Round(100*time.Millisecond), t.Sent.Load(), acked, float64(acked)/passed.Seconds(),
		t.Resent.Load(), t.Unacked.Load(), t.Reconnects.Load())
	if trouble, _ := t.Trouble.Load().(string); trouble != "" {
		fmt.Fprintf(os.Stderr, " last trouble: %s", trouble)
	}
	fmt.Fprintln(os.Stderr)
}
