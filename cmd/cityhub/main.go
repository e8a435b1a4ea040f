// Command cityhub is the hub: it serves, imports and looks after a city's
// readings. Each subcommand has a file of its own; hub.go wires the rooms.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends it in good order, a second at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings passed in; it answers the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command, console, err := parse(args, stdin, stdout, stderr)
	if errors.Is(err, errHelped) {
		return 0
	}
	if err == nil {
		err = command.Run(ctx, console)
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(stderr, "cityhub: "+err.Error())
	}
	return 1
}
