package database

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
)

// seenCodes are the things, datastreams and devices that a scope sees.
func seenCodes(ctx context.Context, t *testing.T, s devices.Tables, scope access.Scope) (codes []string) {
	t.Helper()
	page := devices.Page{Limit: 100, Scope: &scope}
	things, err := s.Things.List(ctx, page)
	must(t, err)
	for _, one := range things {
		codes = append(codes, "thing "+one.Code)
	}
	streams, err := s.Datastreams.List(ctx, page)
	must(t, err)
	for _, one := range streams {
		codes = append(codes, one.Name)
	}
	units, err := s.Devices.List(ctx, page)
	must(t, err)
	for _, one := range units {
		codes = append(codes, "device "+one.Code)
	}
	return codes
}

// Two stations of the owner measure two properties each; what of them is
// granted is seen, and nothing beside it.
func TestScopesSeeWhatIsGranted(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		owner := put(ctx, t, s.Organisations, devices.Organisation{Code: "owner"}).ID
		reader := put(ctx, t, s.Organisations, devices.Organisation{Code: "reader"}).ID
		model := put(ctx, t, s.Sensors, devices.Sensor{Code: "m", Channels: []devices.Channel{}}).ID
		for _, code := range []string{"pm25", "noise"} {
			put(ctx, t, s.ObservedProperties, devices.ObservedProperty{Code: code, Kind: devices.Number})
		}
		var things []int64
		for _, code := range []string{"a", "b"} {
			thing := put(ctx, t, s.Things, devices.Thing{Code: code, OrganisationID: owner}).ID
			group := put(ctx, t, s.Groups, devices.Group{ThingID: thing, SensorID: model}).ID
			for slot, property := range []string{"pm25", "noise"} {
				put(ctx, t, s.Datastreams, devices.Datastream{Name: code + " " + property, ThingID: thing, SensorID: model, Property: property,
					Group: group, Slot: slot, Publication: access.Private})
			}
			unit := put(ctx, t, s.Devices, devices.Device{Code: code, SensorID: model, OrganisationID: owner, State: devices.Deployed}).ID
			put(ctx, t, s.Deployments, devices.Deployment{DeviceID: unit, ThingID: thing, GroupID: group, From: noon})
			things = append(things, thing)
		}
		for name, test := range map[string]struct {
			grant access.Grant
			want  []string
		}{
			"all":                     {access.Grant{Owner: owner}, []string{"thing a", "thing b", "a pm25", "a noise", "b pm25", "b noise", "device a", "device b"}},
			"a thing":                 {access.Grant{Owner: owner, Thing: things[0]}, []string{"thing a", "a pm25", "a noise", "device a"}},
			"a property":              {access.Grant{Owner: owner, Property: "noise"}, []string{"thing a", "thing b", "a noise", "b noise", "device a", "device b"}},
			"a thing's property":      {access.Grant{Owner: owner, Thing: things[1], Property: "pm25"}, []string{"thing b", "b pm25", "device b"}},
			"another's thing":         {access.Grant{Owner: reader, Thing: things[0]}, nil},
			"what is not measured":    {access.Grant{Owner: owner, Property: "rain"}, nil},
			"a property that is none": {access.Grant{Owner: owner, Property: "x' OR '1'='1"}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				scope := access.Scope{Own: []int64{reader}, Grants: []access.Grant{test.grant}}
				if diff := cmp.Diff(test.want, seenCodes(ctx, t, s, scope)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}
