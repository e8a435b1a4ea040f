//go:build !unix

package codec

import "time"

var started = time.Now()

// processorTime is the time of the wall where the system tells no better.
func processorTime() time.Duration { return time.Since(started) }
