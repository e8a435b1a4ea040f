package city

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// DemoBuses is the size of the fleet in examples/hanoi/buses.csv.
const DemoBuses = 12

// reportsEvery is how often a bus tells where it is.
const reportsEvery = 10 * time.Second

// routes are what the lines pass, by their place among the junctions; buses go
// straight between them, there and back.
func routes() map[string][]int {
	return map[string][]int{
		"09A": {12, 13, 1, 0, 2, 5}, "32": {7, 14, 2, 5, 10, 12}, "01": {17, 3, 12, 11, 0, 16}, "26": {4, 13, 1, 0, 6, 7}, "86": {12, 3, 17},
	}
}

// lines is the order in which buses are given to lines.
var lines = [...]string{"09A", "32", "01", "26", "86"}

// Bus is a bus on its line, with a unit that tells where it is and what it
// measures there.
type Bus struct {
	device
	Line    string
	route   []landmark
	length  float64 // of the route, one way, metres
	along   float64 // how far it has come, there and back, metres
	speed   float64 // metres a second
	stop    float64 // at which along it stops next
	waits   int     // seconds that it still stands
	started time.Time
	now     time.Time
}

// Fleet gives the first n buses of the city of a seed, as they are at start.
func Fleet(n int, seed uint64, start time.Time) []*Bus {
	known := junctions()
	fleet := make([]*Bus, n)
	for i := range fleet {
		own := hash(seed, int64(i), 0xb5)
		b := &Bus{Line: lines[i%len(lines)], started: start, now: start}
		b.Station = Station{Index: i, Device: fmt.Sprintf("bus-%05d", i+1), Format: Native}
		b.seed, b.rand = own, rand.New(rand.NewPCG(seed, own))
		for _, at := range routes()[b.Line] {
			b.route = append(b.route, known[at])
		}
		for j := 1; j < len(b.route); j++ {
			b.length += metresBetween(b.route[j-1], b.route[j])
		}
		b.along = unit(own, 1) * 2 * b.length
		b.stop = b.along + 100 + 400*unit(own, 2)
		fleet[i] = b
	}
	return fleet
}

// metresBetween is good for a city.
func metresBetween(a, b landmark) float64 {
	x, y := (b.lon-a.lon)*math.Cos(a.lat*math.Pi/180), b.lat-a.lat
	return math.Hypot(x, y) * 111_195
}

// drive goes on to an instant, second by second: up to 40 km/h on an empty
// street and 12 at the rush hour, with a stop every 300 to 700 m.
func (b *Bus) drive(to time.Time) {
	traffic := momentOf(to).traffic()
	for ; b.now.Before(to); b.now = b.now.Add(time.Second) {
		if b.waits > 0 {
			b.waits--
			continue
		}
		want := (40 - 28*math.Min(traffic, 1)) / 3.6 * (0.8 + 0.4*b.rand.Float64())
		b.speed += math.Max(-1.5, math.Min(want-b.speed, 1))
		b.along += b.speed
		if b.along >= b.stop {
			b.along, b.speed = b.stop, 0
			b.stop += 300 + 400*b.rand.Float64()
			b.waits = 12 + b.rand.IntN(25)
		}
	}
}

// place is where it is, and its heading in degrees.
func (b *Bus) place() (lon, lat, heading float64) {
	way, back := math.Mod(b.along, 2*b.length), false
	if way > b.length {
		way, back = 2*b.length-way, true
	}
	for j := 1; ; j++ {
		from, to := b.route[j-1], b.route[j]
		part := metresBetween(from, to)
		if way > part && j < len(b.route)-1 {
			way -= part
			continue
		}
		share := math.Min(way/part, 1)
		x, y := (to.lon-from.lon)*math.Cos(from.lat*math.Pi/180), to.lat-from.lat
		if back {
			x, y = -x, -y
		}
		heading = math.Mod(math.Atan2(x, y)*180/math.Pi+360, 360)
		return from.lon + share*(to.lon-from.lon), from.lat + share*(to.lat-from.lat), heading
	}
}

// report drives on to an instant and tells what is to be told there.
func (b *Bus) report(sky Sky, due time.Time) Message {
	at := due.Truncate(time.Millisecond)
	b.drive(at)
	lon, lat, heading := b.place()
	b.put(lon, lat)
	now := momentOf(at)
	readings := []Reading{{"speed", round(b.speed*3.6, 1)}, {"heading", round(heading, 0)}, {"line", b.Line}, {"doors_open", b.waits > 0}}
	for _, r := range append(measureAir(&b.device, sky, now), measureNoise(&b.device, sky, now)...) {
		if r.Key == "pm25" || r.Key == "temperature" || r.Key == "laeq" {
			readings = append(readings, r)
		}
	}
	b.seq++
	b.last, b.begun = now, true
	payload := must(map[string]any{"time": at.UTC().Format("2006-01-02T15:04:05.000Z"), "seq": b.seq,
		"position": []float64{b.Lon, b.Lat}, "values": valuesOf(readings)})
	return Message{Due: due, Measured: at, Station: &b.Station, Topic: "cityhub/v1/" + b.Device + "/telemetry", Payload: payload, Readings: readings}
}

// AddBuses lets buses drive from an instant on.
func (s *Simulator) AddBuses(fleet []*Bus, start time.Time) {
	for _, b := range fleet {
		s.push(event{due: start.Add(time.Duration(unit(b.seed, 30) * float64(reportsEvery))), bus: b})
	}
}
