package main

import (
	"context"
	"time"

	"cityhub/cmd/citysim/city"
	"cityhub/cmd/citysim/publish"
)

type runCommand struct {
	brokerFlags
	Stations    int           `help:"How many stations of the city speak." default:"640"`
	Buses       int           `help:"How many buses drive through the city." default:"0"`
	Rate        float64       `help:"Messages a second over all; 0: every station at least once a minute."`
	Seed        uint64        `help:"The city's seed; the same as for citysim stations." default:"1"`
	Duration    time.Duration `help:"End after so long; 0: until interrupted."`
	Connections int           `help:"MQTT connections." default:"4"`
	Late        float64       `help:"Share of messages measured long before they are sent." default:"0.005"`
	Duplicate   float64       `help:"Share of messages sent twice." default:"0.005"`
	Shuffled    float64       `help:"Share of messages sent after the device's next one." default:"0.005"`
	OutOfRange  float64       `help:"Share of messages with a value out of its valid range." default:"0.002"`
	Silent      float64       `help:"Share of devices that are silent, for half an hour each." default:"0.01"`
}

// Run publishes in real time.
func (c *runCommand) Run(ctx context.Context) error {
	stations, err := city.Plan(c.Stations, c.Seed)
	if err != nil {
		return err
	}
	if c.Duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.Duration)
		defer stop()
	}
	faults := city.Faults{Late: c.Late, Duplicate: c.Duplicate, Shuffled: c.Shuffled, OutOfRange: c.OutOfRange, Silent: c.Silent}
	out := publish.Options{
		Broker: c.Broker, Username: c.Username, Password: c.Password,
		ClientID: c.ClientID, Connections: c.Connections,
	}
	now := time.Now()
	simulator := city.NewSimulator(stations, c.Seed, now, c.Rate, faults)
	simulator.AddBuses(city.Fleet(c.Buses, c.Seed, now), now)
	return publish.Run(ctx, out, simulator)
}
