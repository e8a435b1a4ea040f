package main

import (
	"context"
	"strconv"
)

type importZones struct {
	client
	File           string `arg:"" help:"GeoJSON FeatureCollection of Polygons and MultiPolygons."`
	Kind           string `required:"" help:"What the zones are, as ward."`
	ValidFrom      string `required:"" help:"The day from which the boundaries are valid, as 2025-07-01."`
	CodeProperty   string `default:"code" help:"The features' property that holds the code."`
	NameProperty   string `default:"name" help:"The property that holds the name."`
	NameEnProperty string `default:"name_en" help:"The property that holds the English name."`
	ParentProperty string `default:"parent" help:"The property that holds the code of the zone around it."`
	CRS            string `name:"crs" help:"EPSG code of the coordinates: 4326, or one of VN-2000 as 5897."`
	Repair         bool   `help:"Mend faulty rings where that needs no guess; without it they are refused."`
	DryRun         bool   `help:"Tell what would become of each zone, and change nothing."`
	All            bool   `help:"Print all zones, not only those that failed."`
}

// Run imports the file and prints what became of its zones.
func (i *importZones) Run(ctx context.Context, c *console) error {
	one := importing{client: &i.client, console: c, all: i.All, fields: map[string]string{
		"kind": "zones", "zoneKind": i.Kind, "validFrom": i.ValidFrom, "codeProperty": i.CodeProperty, "nameProperty": i.NameProperty,
		"nameEnProperty": i.NameEnProperty, "parentProperty": i.ParentProperty, "crs": i.CRS,
		"repair": strconv.FormatBool(i.Repair), "dryRun": strconv.FormatBool(i.DryRun)}}
	return one.run(ctx, []string{i.File})
}
