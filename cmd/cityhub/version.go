package main

import (
	"context"
	"fmt"
	"runtime"
)

// version is set by the linker for a release.
var version = "0.1.0-dev"

type versionCommand struct{}

// Run prints the version and what it was built with.
func (versionCommand) Run(_ context.Context, c *console) error {
	_, err := fmt.Fprintf(c.out, "cityhub %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
