package publish

import (
	"fmt"
	"os"
	"time"

	"cityhub/cmd/citysim/city"
)

func (c *counters) count(m city.Message) {
	c.sent.Add(1)
	c.formats[m.Station.Format].Add(1)
	if m.Late {
		c.late.Add(1)
	}
	if m.Duplicate {
		c.duplicate.Add(1)
	}
	if m.Shuffled {
		c.shuffled.Add(1)
	}
	if m.OutOfRange {
		c.outOfRange.Add(1)
	}
}

// tellEachTenSeconds ends with a last line once told is closed.
func (c *counters) tellEachTenSeconds(told <-chan struct{}) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	started := time.Now()
	for {
		select {
		case <-told:
			c.tell(time.Since(started))
			return
		case <-tick.C:
			c.tell(time.Since(started))
		}
	}
}

func (c *counters) tell(passed time.Duration) {
	sent := c.sent.Load()
	fmt.Fprintf(os.Stderr, "%s sent %d (%.1f/s) acked %d failed %d; native %d senml %d chirpstack %d+%d; late %d duplicate %d shuffled %d out of range %d\n",
		passed.Round(time.Second), sent, float64(sent)/passed.Seconds(), c.acked.Load(), c.failed.Load(),
		c.formats[city.Native].Load(), c.formats[city.SenML].Load(),
		c.formats[city.ChirpStackObject].Load(), c.formats[city.ChirpStackBytes].Load(),
		c.late.Load(), c.duplicate.Load(), c.shuffled.Load(), c.outOfRange.Load())
}
