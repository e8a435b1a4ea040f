package city

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Faults are the shares, 0…1, of messages that are not as they should be, and
// of devices that say nothing for a while.
type Faults struct {
	Late       float64 // measured 5…90 minutes before it is sent
	Duplicate  float64 // sent twice
	Shuffled   float64 // sent after the device's next one
	OutOfRange float64 // one value outside its channel's valid range
	Silent     float64 // devices that are silent, for half an hour each
}

// SmallFaults are shares as a city sees them every day.
func SmallFaults() Faults {
	return Faults{Late: 0.005, Duplicate: 0.005, Shuffled: 0.005, OutOfRange: 0.002, Silent: 0.01}
}

// Message is one that a device sends.
type Message struct {
	Due                                   time.Time // when it is sent
	Measured                              time.Time
	Station                               *Station
	Topic                                 string
	Payload                               []byte
	Readings                              []Reading
	Late, Duplicate, Shuffled, OutOfRange bool
}

// Simulator gives the messages of a city in the order in which they are sent.
// It is not safe for concurrent use.
type Simulator struct {
	sky    Sky
	seed   uint64
	faults Faults
	rate   float64 // messages a second; 0: as the kinds have it
	count  int
	queue  queue
	order  uint64
}

// FirstRound is the time within which every station has reported once.
const FirstRound = 18 * time.Second

// NewSimulator starts the stations at a time. With a rate above 0 the whole
// city sends that many messages a second, otherwise every station reports at
// least once a minute.
func NewSimulator(stations []Station, seed uint64, start time.Time, rate float64, faults Faults) *Simulator {
	s := &Simulator{sky: Sky{seed}, seed: seed, faults: faults, rate: rate, count: len(stations)}
	first := FirstRound
	if rate > 0 {
		first = min(first, time.Duration(float64(len(stations))/rate*float64(time.Second)))
	}
	for _, station := range stations {
		own := hash(seed, int64(station.Index), int64(station.Kind), 4)
		d := &device{Station: station, seed: own, rand: rand.New(rand.NewPCG(seed, own))}
		s.push(event{due: start.Add(time.Duration(unit(own, 30) * float64(first))), device: d})
	}
	return s
}

// Next gives the next message; there always is one while there are stations.
func (s *Simulator) Next() (Message, bool) {
	for len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		if e.message != nil {
			return *e.message, true
		}
		if e.bus != nil {
			s.push(event{due: e.due.Add(reportsEvery), bus: e.bus})
			return e.bus.report(s.sky, e.due), true
		}
		due := e.due
		s.push(event{due: due.Add(s.pause(e.device)), device: e.device})
		if s.silent(e.device, due) {
			e.device.seq++ // it measured, and could not send: the gap is to be seen
			continue
		}
		m := s.measure(e.device, due)
		if m.Shuffled {
			m.Due = due.Add(s.interval(e.device) * 5 / 4)
			s.push(event{due: m.Due, message: &m})
			continue
		}
		if m.Duplicate {
			again := m
			again.Due = due.Add(time.Duration(e.device.rand.Float64() * float64(3*time.Second)))
			s.push(event{due: again.Due, message: &again})
			m.Duplicate = false // the first of the two is as it should be
		}
		return m, true
	}
	return Message{}, false
}

func (s *Simulator) interval(d *device) time.Duration {
	seconds := kinds[d.Kind].seconds
	if s.rate > 0 {
		seconds = float64(s.count) / s.rate
	}
	return time.Duration(seconds * float64(time.Second))
}

// pause is the interval, a little off so that devices do not march in step.
func (s *Simulator) pause(d *device) time.Duration {
	return time.Duration(float64(s.interval(d)) * (0.95 + 0.1*d.rand.Float64()))
}

func (s *Simulator) silent(d *device, due time.Time) bool {
	return d.begun && unit(d.seed, 31, due.Unix()/1800) < s.faults.Silent
}

func (s *Simulator) measure(d *device, due time.Time) Message {
	first := !d.begun
	at := due
	m := Message{Due: due, Station: &d.Station}
	// The first message of a device is always good: the map is to fill.
	m.Late = s.fails(d, s.faults.Late) && !first
	m.Shuffled = s.fails(d, s.faults.Shuffled) && !first && !m.Late
	m.Duplicate = s.fails(d, s.faults.Duplicate) && !first && !m.Shuffled
	m.OutOfRange = s.fails(d, s.faults.OutOfRange) && !first
	if m.Late {
		at = due.Add(-time.Duration((5 + 85*d.rand.Float64()) * float64(time.Minute)))
	}
	m.Measured = at.Truncate(time.Millisecond)
	now := momentOf(m.Measured)
	m.Readings = kinds[d.Kind].measure(d, s.sky, now)
	if !m.Late {
		d.last, d.begun = now, true
	}
	if m.OutOfRange {
		m.OutOfRange = d.spoil(m.Readings)
	}
	d.seq++
	m.Topic, m.Payload = d.topicAndPayload(m.Measured, m.Readings)
	return m
}

// fails draws whatever the share, so that other shares leave the rest alike.
func (s *Simulator) fails(d *device, share float64) bool { return d.rand.Float64() < share }

// spoil puts the first number out of its range, as a broken sensor would.
func (d *device) spoil(readings []Reading) bool {
	c := kinds[d.Kind].channels[0]
	for i := range readings {
		if readings[i].Key == c.key {
			readings[i].Value = round(c.hi+(c.hi-c.lo)*(0.1+0.2*d.rand.Float64()), 1)
			return true
		}
	}
	return false
}

func (s *Simulator) push(e event) {
	s.order++
	e.order = s.order
	heap.Push(&s.queue, e)
}

// event is a device's next report, or a message held back.
type event struct {
	due     time.Time
	order   uint64 // of two at the same time the earlier pushed goes first
	device  *device
	message *Message
	bus     *Bus
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].due.Equal(q[j].due) {
		return q[i].order < q[j].order
	}
	return q[i].due.Before(q[j].due)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
