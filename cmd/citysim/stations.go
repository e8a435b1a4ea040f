package main

import (
	"errors"
	"os"

	"cityhub/cmd/citysim/city"
	"cityhub/cmd/citysim/wards"
)

type stationsCommand struct {
	Stations int    `help:"How many stations; a longer list begins with the shorter one." default:"640"`
	Seed     uint64 `help:"The city's seed." default:"1"`
	Flood    int    `help:"Print so many devices for citysim flood instead." placeholder:"N"`
}

// Run prints the CSV.
func (c *stationsCommand) Run() error {
	stations, err := city.Plan(c.Stations, c.Seed)
	if c.Flood > 0 {
		stations, err = city.FloodPlan(c.Flood, c.Seed)
	}
	if err != nil {
		return err
	}
	return city.WriteCSV(os.Stdout, stations)
}

type wardsCommand struct {
	Source    string  `arg:"" type:"existingfile" help:"GeoJSON of the ward boundaries."`
	Tolerance float64 `help:"In metres." default:"8"`
}

// Run prints the light copy.
func (c *wardsCommand) Run() (err error) {
	file, err := os.Open(c.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	areas, err := wards.Read(file)
	if err != nil {
		return err
	}
	known, err := city.Wards()
	if err != nil {
		return err
	}
	kinds := map[string]string{}
	for _, w := range known {
		kinds[w.Code] = w.Kind
	}
	rings := make([]wards.Ring, len(areas))
	for i, a := range areas {
		rings[i] = a.Ring
	}
	const metresPerDegree = 110800
	for i, ring := range wards.Simplify(rings, c.Tolerance/metresPerDegree) {
		areas[i].Ring, areas[i].Kind = ring, kinds[areas[i].Code]
	}
	return wards.Write(os.Stdout, areas)
}
