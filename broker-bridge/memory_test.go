package bridge_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
	"cityhub/testbed"
)

// toll is a limiter that refuses what is of one device, and adds up what
// was missed.
type toll struct {
	mu     sync.Mutex
	loud   string
	missed time.Duration
}

func (c *toll) Admit(a *telemetry.Arrival) bool {
	if a.Payer != c.loud {
		return true
	}
	a.Refusal = &telemetry.Refusal{Reason: telemetry.OverQuota}
	return false
}

func (c *toll) Missed(pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed += pause
}

func (c *toll) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missed
}

// A session that was lost while there was no hub is lost all the same.
func TestASessionLostBetweenTwoRunsIsNoticed(t *testing.T) {
	broker := testbed.Mosquitto(t, "") // keeps nothing over a restart
	first, stop := start(t, bridge.Options{URL: broker.URL, Intake: newIntake()})
	eventually(t, 5*time.Second, "connected", connected(first))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again, stop := start(t, bridge.Options{URL: broker.URL, Intake: newIntake(), Before: first.Memory()})
	eventually(t, 5*time.Second, "connected", connected(again))
	if lost := again.Status().SessionLost; lost != 0 {
		t.Errorf("%d sessions count as lost while the broker kept it", lost)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	broker.Restart()
	last, _ := start(t, bridge.Options{URL: broker.URL, Intake: newIntake(), Before: again.Memory()})
	eventually(t, 5*time.Second, "session lost", func() bool { return last.Status().SessionLost == 1 })
}

// Whatever keeps the hub from taking what the broker has is told as missed:
// the time before its start, a broker that is away, an intake that keeps
// nothing; and nothing else is.
func TestWhatIsMissedIsTold(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep, limit := newIntake(), &toll{}
	before := bridge.Memory{Session: false, Taking: time.Now().Add(-time.Hour)}
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep, Limit: limit, Before: before, Stall: time.Second})
	eventually(t, 5*time.Second, "connected", connected(b))
	started := limit.total()
	if started < time.Hour || started > time.Hour+10*time.Second {
		t.Errorf("%v count as missed after an hour without a hub", started)
	}
	publish(t, broker.URL, 0, 10)
	eventually(t, 5*time.Second, "it takes", func() bool { return b.Memory().Taking.After(before.Taking) && keep.distinct() == 10 })
	if more := limit.total() - started; more > 0 {
		t.Errorf("%v count as missed of a hub that takes all", more)
	}

	away := time.Now()
	broker.Stop()
	eventually(t, 5*time.Second, "noticed", func() bool { return !b.Status().Connected })
	taking := b.Memory().Taking
	eventually(t, 20*time.Second, "some time without a broker", func() bool { return limit.total() > started+2*time.Second })
	broker.Restart()
	eventually(t, 10*time.Second, "connected again", connected(b))
	if told, was := limit.total()-started, time.Since(away); told > was+time.Second {
		t.Errorf("%v are missed of the %v that the broker was away", told, was)
	}
	if at := b.Memory().Taking; at.Before(taking) {
		t.Errorf("it took last at %v, before %v", at, taking)
	}

	eventually(t, 5*time.Second, "it takes again", func() bool { return b.Memory().Taking.After(taking) })
	keep.fail(errors.New("disk full"))
	full := limit.total()
	publish(t, broker.URL, 10, 10)
	eventually(t, 20*time.Second, "a disk that is full is told", func() bool { return limit.total() > full+2*time.Second })
	keep.fail(nil)
	eventually(t, 20*time.Second, "kept", func() bool { return keep.distinct() == 20 })
}

// Who sends too much is refused before anybody looks at what it is, and
// acknowledged.
func TestTheLimiterRefusesBeforeItDecodes(t *testing.T) {
	broker := testbed.Mosquitto(t, persistent)
	keep := newIntake()
	b, _ := start(t, bridge.Options{URL: broker.URL, Intake: keep, Limit: &toll{loud: "raw-1"}})
	eventually(t, 5*time.Second, "connected", connected(b))
	send(t, broker.URL, [][2]string{{"cityhub/v1/raw-1/raw/1", "loud"}, {"cityhub/v1/raw-1/telemetry", "also loud"}})
	eventually(t, 5*time.Second, "settled", func() bool { return keep.distinct() == 2 && b.Status().Unacknowledged == 0 })
	if keep.times("loud") != 1 || keep.times("also loud") != 1 {
		t.Error("what is refused is not handed on")
	}
}
