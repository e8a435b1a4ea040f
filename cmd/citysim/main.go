// Citysim is a believable city over MQTT, a load generator with a ledger, and
// the checker of that ledger. It speaks MQTT and the hub's public API only and
// imports no package of the hub.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Run           runCommand      `cmd:"" help:"Publish a believable day of Hanoi."`
	Flood         floodCommand    `cmd:"" help:"Publish readings as fast as asked and keep a ledger of what was acknowledged."`
	Check         checkCommand    `cmd:"" help:"Prove that each reading of a ledger is readable exactly once or stands in quarantine."`
	Stations      stationsCommand `cmd:"" help:"Print the stations as a CSV for the hub's import of devices."`
	Register      registerCommand `cmd:"" help:"Register the stations by the hub's bulk import, up to a million."`
	SimplifyWards wardsCommand    `cmd:"" hidden:"" help:"Make the light copy of the ward boundaries in examples/hanoi."`
}

// errUnproven ends the program with 1 after its report was printed.
var errUnproven = errors.New("not every acknowledged reading is readable exactly once")

func main() {
	var line commands
	parsed := kong.Parse(&line,
		kong.Name("citysim"),
		kong.Description("A believable city over MQTT, and a load generator with a ledger."),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal ends it in good order, a second at once
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "citysim:", err)
		os.Exit(1)
	}
}
