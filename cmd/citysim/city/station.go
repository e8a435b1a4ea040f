// Package city is a believable Hanoi: its stations, its weather and its
// rhythm of the day, and the messages that its devices send. All of it follows
// from a seed and the time, so that two runs with the same seed and start give
// the same messages. It knows nothing of the hub and of the network.
package city

import "fmt"

// DemoStations is the size of the set in examples/hanoi/devices.csv.
const DemoStations = 640

// Format is how a device speaks.
type Format int

// The formats.
const (
	Native           Format = iota // the hub's own JSON
	SenML                          // RFC 8428, JSON
	ChirpStackObject               // ChirpStack v4, decoded by the network server
	ChirpStackBytes                // ChirpStack v4, bytes for the model's codec
)

// Station is a place with one device.
type Station struct {
	Index        int
	Kind         Kind
	Device       string // code, also its MQTT identity
	Serial       string
	DevEUI       string // 16 upper-case hex digits for LoRaWAN, "" otherwise
	Code, Name   string
	Organisation string
	Lon, Lat     float64
	Format       Format

	place Place
	water waterKind
}

// Plan gives the first n stations of the city of a seed. A longer plan begins
// with the shorter one; the first 126 air stations stand one in each ward.
func Plan(n int, seed uint64) ([]Station, error) {
	wards, err := Wards()
	if err != nil {
		return nil, err
	}
	planner := planner{seed: seed, wards: wards, placed: map[Kind]int{}}
	stations := make([]Station, n)
	for i := range stations {
		stations[i] = planner.station(i)
	}
	return stations, nil
}

// FloodPlan gives n stations of model air-station for `citysim flood`.
func FloodPlan(n int, seed uint64) ([]Station, error) {
	wards, err := Wards()
	if err != nil {
		return nil, err
	}
	stations := make([]Station, n)
	for i := range stations {
		ward := wards[i%len(wards)]
		s := Station{Index: i, Kind: Air, Organisation: "load-test"}
		s.Device = fmt.Sprintf("flood-%06d", i+1)
		s.Serial = fmt.Sprintf("FL%08d", i+1)
		s.Code = "st-" + s.Device
		s.Name = fmt.Sprintf("Trạm thử tải %d", i+1)
		s.put(ward.near(0.95, seed, 77, int64(i)))
		stations[i] = s
	}
	return stations, nil
}

type planner struct {
	seed   uint64
	wards  []Ward
	placed map[Kind]int
}

func (p *planner) station(i int) Station {
	kind := mixOfKinds[i%len(mixOfKinds)]
	nth := p.placed[kind]
	p.placed[kind]++
	about := kinds[kind]
	s := Station{Index: i, Kind: kind, Organisation: about.organisation, Format: about.format(nth)}
	s.Device = fmt.Sprintf("%s-%05d", about.prefix, nth+1)
	s.Code = "st-" + s.Device
	s.Serial = fmt.Sprintf("%s%04X%05d", about.serial, hash(p.seed, int64(kind), int64(nth), 3)&0xffff, nth+1)
	if s.Format == ChirpStackObject || s.Format == ChirpStackBytes {
		s.DevEUI = fmt.Sprintf("A84041%02X%08X", int(kind), nth+1)
	}
	p.settle(&s, nth)
	return s
}

// settle finds the station's place and name.
func (p *planner) settle(s *Station, nth int) {
	about := kinds[s.Kind]
	if about.landmarks != nil {
		if known := about.landmarks(); nth < len(known) {
			s.water = known[nth].water
			s.Name = about.title + " " + known[nth].name
			s.put(known[nth].lon, known[nth].lat)
			return
		}
	}
	ward, round := p.ward(s.Kind, nth)
	s.Name = about.title + " " + ward.Name
	reach := 0.95
	if round == 0 && s.Kind == Air {
		reach = 0.2
	} else {
		s.Name += fmt.Sprintf(" %d", nth+1)
	}
	s.put(ward.near(reach, p.seed, int64(s.Kind), int64(nth)))
}

// ward spreads the stations of a kind: air stations go round all wards, the
// others prefer the built-up ones, where streets, lamps and bins are.
func (p *planner) ward(kind Kind, nth int) (Ward, int) {
	if kind == Air {
		return p.wards[nth%len(p.wards)], nth / len(p.wards)
	}
	for try := int64(0); ; try++ {
		ward := p.wards[hash(p.seed, int64(kind), int64(nth), 5, try)%uint64(len(p.wards))]
		if unit(p.seed, int64(kind), int64(nth), 6, try) < 0.1+placeAt(ward.Lon, ward.Lat).urban() {
			return ward, 1
		}
	}
}

func (s *Station) put(lon, lat float64) {
	s.Lon, s.Lat = round(lon, 6), round(lat, 6)
	s.place = placeAt(s.Lon, s.Lat)
}
