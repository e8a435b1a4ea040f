package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"cityhub/cmd/citysim/city"
	"cityhub/cmd/citysim/register"
)

type registerCommand struct {
	Stations int    `help:"Register so many stations, for citysim run." default:"640"`
	Flood    int    `help:"Register so many for citysim flood instead, as 100000 or 1000000." placeholder:"N"`
	Seed     uint64 `help:"The city's seed; the same as for citysim run." default:"1"`
	Hub      string `help:"The hub." default:"http://127.0.0.1:8080" env:"CITYHUB_HUB"`
	Key      string `help:"API key of an administrator; better in the environment." env:"CITYHUB_KEY"`
	Part     int    `help:"Stations an import." default:"50000"`
}

// Run registers the stations; what is registered already stays as it is.
func (c *registerCommand) Run(ctx context.Context) error {
	stations, err := city.Plan(c.Stations, c.Seed)
	if c.Flood > 0 {
		stations, err = city.FloodPlan(c.Flood, c.Seed)
	}
	if err != nil {
		return err
	}
	o := register.Options{Hub: c.Hub, Key: c.Key, Part: c.Part, Pause: 200 * time.Millisecond}
	if bar := progress(os.Stderr); bar != nil {
		o.Progress = func(done, of int64) { bar("stations", done, of) }
	}
	if err := register.Run(ctx, o, stations); err != nil {
		return err
	}
	fmt.Printf("%d stations are registered\n", len(stations))
	return nil
}
