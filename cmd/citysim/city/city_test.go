package city

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func demo(t testing.TB, n int) []Station {
	t.Helper()
	stations, err := Plan(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	return stations
}

func noon() time.Time { return time.Date(2026, time.August, 12, 5, 0, 0, 0, time.UTC) }

// take gives the messages that are due within a time.
func take(t testing.TB, s *Simulator, start time.Time, span time.Duration) []Message {
	t.Helper()
	var all []Message
	for {
		m, ok := s.Next()
		if !ok {
			t.Fatal("the city fell silent")
		}
		if m.Due.Sub(start) > span {
			return all
		}
		all = append(all, m)
	}
}

func TestSameSeedSameMessages(t *testing.T) {
	stations := demo(t, 60)
	heavy := Faults{Late: 0.1, Duplicate: 0.1, Shuffled: 0.1, OutOfRange: 0.1, Silent: 0.1}
	run := func(seed uint64) []Message {
		return take(t, NewSimulator(stations, seed, noon(), 0, heavy), noon(), 10*time.Minute)
	}
	a, b, other := run(7), run(7), run(8)
	if len(a) != len(b) {
		t.Fatalf("%d messages, then %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Topic != b[i].Topic || !bytes.Equal(a[i].Payload, b[i].Payload) || !a[i].Due.Equal(b[i].Due) {
			t.Fatalf("message %d: %s %s, then %s %s", i, a[i].Topic, a[i].Payload, b[i].Topic, b[i].Payload)
		}
	}
	if len(other) == len(a) && bytes.Equal(other[0].Payload, a[0].Payload) {
		t.Error("another seed gives the same city")
	}
}

func TestLongerPlanBeginsWithTheShorter(t *testing.T) {
	long := demo(t, 700)
	for i, s := range demo(t, 90) {
		if s != long[i] {
			t.Fatalf("station %d: %+v, in the longer plan %+v", i, s, long[i])
		}
	}
}

func TestEveryStationReportsSoonAndOften(t *testing.T) {
	stations := demo(t, DemoStations)
	first, last := map[string]time.Time{}, map[string]time.Time{}
	for _, m := range take(t, NewSimulator(stations, 1, noon(), 0, Faults{}), noon(), 5*time.Minute) {
		device := m.Station.Device
		if _, known := first[device]; !known {
			first[device] = m.Due
		} else if gap := m.Due.Sub(last[device]); gap > 63*time.Second || gap < 25*time.Second {
			t.Fatalf("%s is silent for %v", device, gap)
		}
		last[device] = m.Due
	}
	for _, s := range stations {
		if after := first[s.Device].Sub(noon()); first[s.Device].IsZero() || after > 20*time.Second {
			t.Errorf("%s reports first after %v", s.Device, after)
		}
	}
}

func TestRateIsKept(t *testing.T) {
	got := len(take(t, NewSimulator(demo(t, 100), 1, noon(), 50, Faults{}), noon(), time.Minute))
	if got < 2800 || got > 3200 {
		t.Errorf("%d messages in a minute at 50 a second", got)
	}
}

func TestValuesStayInTheirRangesOverAYear(t *testing.T) {
	stations := demo(t, 100)
	for month := range 12 {
		start := time.Date(2026, time.Month(month+1), 20, 0, 0, 0, 0, time.UTC)
		// 100 stations at 0.01 a second: each reports 17 times in two days.
		for _, m := range take(t, NewSimulator(stations, 3, start, 0.01, Faults{}), start, 48*time.Hour) {
			inRange(t, m)
		}
	}
}

func inRange(t *testing.T, m Message) {
	t.Helper()
	for _, r := range m.Readings {
		v, number := r.Value.(float64)
		if !number {
			continue
		}
		c, known := channelOf(m.Station.Kind, r.Key)
		if !known || math.IsNaN(v) || v < c.lo || v > c.hi {
			t.Fatalf("%s at %v: %s = %v, range %v…%v", m.Station.Device, m.Measured, r.Key, v, c.lo, c.hi)
		}
	}
}

func channelOf(k Kind, key string) (channel, bool) {
	for _, c := range kinds[k].channels {
		if c.key == key {
			return c, true
		}
	}
	return channel{}, false
}

func TestFaultsComeInTheirShares(t *testing.T) {
	faults := Faults{Late: 0.05, Duplicate: 0.04, Shuffled: 0.03, OutOfRange: 0.02}
	var late, duplicate, shuffled, out, outside int
	all := take(t, NewSimulator(demo(t, 200), 5, noon(), 0, faults), noon(), 30*time.Minute)
	for _, m := range all {
		late += count(m.Late)
		duplicate += count(m.Duplicate)
		shuffled += count(m.Shuffled)
		out += count(m.OutOfRange)
		outside += count(spoiled(m))
		if m.Late && m.Due.Sub(m.Measured) < 5*time.Minute {
			t.Fatalf("a late message is only %v late", m.Due.Sub(m.Measured))
		}
	}
	if out != outside {
		t.Errorf("%d messages are marked as out of range, %d are", out, outside)
	}
	for name, c := range map[string]struct {
		got  int
		want float64
	}{"late": {late, 0.05}, "duplicate": {duplicate, 0.04}, "shuffled": {shuffled, 0.03}, "out of range": {out, 0.02}} {
		if share := float64(c.got) / float64(len(all)); share < c.want*0.8 || share > c.want*1.2 {
			t.Errorf("%s: %.4f of the messages, want %.4f", name, share, c.want)
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func spoiled(m Message) bool {
	for _, r := range m.Readings {
		v, number := r.Value.(float64)
		if c, known := channelOf(m.Station.Kind, r.Key); number && known && (v < c.lo || v > c.hi) {
			return true
		}
	}
	return false
}

func TestSilentDevicesLeaveGapsInSeq(t *testing.T) {
	stations := demo(t, 40)
	seen := map[string][]int64{}
	for _, m := range take(t, NewSimulator(stations, 2, noon(), 0, Faults{Silent: 0.3}), noon(), 2*time.Hour) {
		var body struct {
			Seq  *int64 `json:"seq"`
			FCnt *int64 `json:"fCnt"`
		}
		if strings.HasSuffix(m.Topic, "/senml") {
			continue
		}
		if err := json.Unmarshal(m.Payload, &body); err != nil {
			t.Fatal(err)
		}
		if body.Seq == nil {
			body.Seq = body.FCnt
		}
		seen[m.Topic] = append(seen[m.Topic], *body.Seq)
	}
	gaps := 0
	for topic, seqs := range seen {
		for i := 1; i < len(seqs); i++ {
			if seqs[i] <= seqs[i-1] {
				t.Fatalf("%s: seq %d after %d", topic, seqs[i], seqs[i-1])
			}
			gaps += count(seqs[i] > seqs[i-1]+10)
		}
	}
	if gaps < 5 {
		t.Errorf("only %d long gaps", gaps)
	}
}
