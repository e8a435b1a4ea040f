package quota

import (
	"testing"
	"time"

	"cityhub/telemetry"
)

// admit charges n messages of a device as an edge that knows no more of them,
// and answers how many get through.
func (b *bench) admit(n int, device string) (through int) {
	for range n {
		if b.Admit(&telemetry.Arrival{Payer: device, Payload: make([]byte, 1)}) {
			through++
		}
	}
	return through
}

// What a broker has held while the hub took nothing is not refused when it
// comes at once, however little of it comes a second; more is.
func TestABacklogIsPaidForByThePause(t *testing.T) {
	b := newBench(Limits{Messages: 10, Burst: 20})
	b.Missed(time.Minute)
	b.Missed(time.Minute)
	if got := b.admit(5000, "a"); got != 21+1200 {
		t.Errorf("%d got through, want the burst and two minutes' worth", got)
	}
	if got := b.admit(5000, "b"); got != 21+1200 {
		t.Errorf("%d of another device got through", got)
	}
	b.at = b.at.Add(time.Minute)
	if got := b.admit(5000, "a"); got != 21 {
		t.Errorf("a minute later %d got through, want the burst alone", got)
	}
	b.Missed(10 * time.Second)
	if got := b.admit(5000, "a"); got != 100 {
		t.Errorf("after another pause %d got through, want its worth", got)
	}
}

func TestBytesHaveArrears(t *testing.T) {
	b := newBench(Limits{Bytes: 1000})
	b.Missed(100 * time.Second)
	through := 0
	for range 1000 {
		if len(b.send(t, nil, 1000, "a").Refusals) == 0 {
			through++
		}
	}
	if through != 65+100 {
		t.Errorf("%d messages got through, want the burst and 100 seconds' worth", through)
	}
}

func TestArrearsLapse(t *testing.T) {
	for name, c := range map[string]struct {
		missed, later time.Duration
		want          int
	}{
		"a short pause, soon":    {time.Minute, 9 * time.Minute, 21 + 600},
		"a short pause, late":    {time.Minute, 11 * time.Minute, 21},
		"a long pause":           {time.Hour, 50 * time.Minute, 21 + 36_000},
		"a long pause, too late": {time.Hour, 61 * time.Minute, 21},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(Limits{Messages: 10, Burst: 20})
			b.Missed(c.missed)
			b.at = b.at.Add(c.later)
			if got := b.admit(100_000, "a"); got != c.want {
				t.Errorf("%d got through, want %d", got, c.want)
			}
		})
	}
}

// A hub that goes away again before all has come owes both pauses.
func TestArrearsOutlastTheHub(t *testing.T) {
	b := newBench(Limits{Messages: 10, Burst: 20})
	b.Missed(time.Minute)
	owed := b.meter.Arrears()
	again := newBench(Limits{Messages: 10, Burst: 20})
	again.at = b.at.Add(time.Hour)
	again.meter.Resume(owed)
	again.Missed(time.Hour)
	if got := again.admit(100_000, "a"); got != 21+36_600 {
		t.Errorf("%d got through, want the burst and 61 minutes' worth", got)
	}
}

// A message is charged once, whatever it is called and whoever asks.
func TestWhatIsPaidBeforeIsNotChargedAgain(t *testing.T) {
	b := newBench(Limits{Messages: 1, Burst: 9})
	through := 0
	for range 20 {
		a := telemetry.Arrival{Payer: "a", Payload: make([]byte, 1), Measurements: []telemetry.Measurement{{Device: "eui-a"}, {Device: "b"}}}
		if !b.Admit(&a) {
			continue
		}
		b.Submit(a, func(r telemetry.Receipt) {
			if len(r.Refusals) == 0 {
				through++
			}
		})
	}
	if through != 10 {
		t.Errorf("%d got through, want 10", through)
	}
}

// A topic may write a DevEUI otherwise than the registry.
func TestThePayerIsFoundAsTopicsWriteIt(t *testing.T) {
	m := NewMeter(Limits{Messages: 1, Burst: 1}, known{"A84041": 7}, time.Now)
	for _, name := range []string{"A84041", "a84041", "eui-a84041"} {
		if a := (telemetry.Arrival{Payer: name}); m.Hold(&a) < 0 || a.Paid != 7 {
			t.Errorf("%s is charged to %d, want 7", name, a.Paid)
		}
	}
}

// What is refused or ignored after it was looked at has been paid for.
func TestGarbageCounts(t *testing.T) {
	b := newBench(Limits{Messages: 10, Burst: 20})
	refused := 0
	for range 1000 {
		a := telemetry.Arrival{Payer: "a", Payload: make([]byte, 1)}
		if b.Admit(&a) {
			a.Refusal = &telemetry.Refusal{Reason: telemetry.Undecodable}
		} else if a.Refusal.Reason != telemetry.OverQuota {
			t.Fatal(a.Refusal)
		} else {
			refused++
		}
		b.Submit(a, func(telemetry.Receipt) {})
	}
	_, quarantined, rejected := b.next.count()
	if refused != 979 || quarantined != 21+keepBurst+1 || rejected != refused-keepBurst-1 {
		t.Errorf("refused %d, quarantined %d, rejected %d", refused, quarantined, rejected)
	}
}

// An edge that makes its senders wait refuses nothing, whoever else sends for
// the same device meanwhile.
func TestWhoIsHeldIsNotRefused(t *testing.T) {
	b := newBench(Limits{Messages: 10, Burst: 20})
	var longest time.Duration
	for range 1000 {
		a := telemetry.Arrival{Payer: "", Payload: make([]byte, 1)} // of a gateway
		wait := b.meter.Hold(&a)
		a.Measurements = []telemetry.Measurement{{Device: "a"}, {Device: "b"}, {Device: "eui-a"}, {Device: "stranger"}}
		wait += b.meter.Hold(&a)
		longest = max(longest, wait)
		b.at = b.at.Add(wait)
		b.Submit(a, func(r telemetry.Receipt) {
			if len(r.Refusals) != 0 {
				t.Fatal(r.Refusals[0])
			}
		})
		b.admit(1, "a") // by another way
	}
	if longest == 0 || longest > 200*time.Millisecond {
		t.Errorf("the longest wait was %v", longest)
	}
}
