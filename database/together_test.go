package database

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cityhub/access"
	"cityhub/devices"
)

// What is put together is the same as what is put one by one, while the
// transaction goes on and afterwards.
func TestTogetherKeepsWhatAtomicallyKeeps(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		var c city
		must(t, d.Store().Together(ctx, func(s devices.Tables) error {
			c = found(ctx, t, s)
			same(ctx, t, s.Things, c.thing.ID, c.thing)
			same(ctx, t, s.Datastreams, c.datastream.ID, c.datastream)
			return s.Log.Record(ctx, &access.AuditEntry{Time: noon, Action: "create", Noun: "thing", Entity: c.thing.ID})
		}))
		s := d.Store().Tables()
		same(ctx, t, s.Locations, c.location.ID, c.location)
		same(ctx, t, s.Things, c.thing.ID, c.thing)
		same(ctx, t, s.HistoricalLocations, c.was.ID, c.was)
		same(ctx, t, s.Groups, c.group.ID, c.group)
		same(ctx, t, s.Datastreams, c.datastream.ID, c.datastream)
		same(ctx, t, s.Devices, c.device.ID, c.device)
		same(ctx, t, s.Deployments, c.deployment.ID, c.deployment)
		same(ctx, t, s.DeviceEvents, c.event.ID, c.event)
		noted, err := d.AuditLog().Audit(ctx, access.AuditFilter{Limit: 9})
		if err != nil || len(noted) != 1 || noted[0].Entity != c.thing.ID {
			t.Errorf("the audit log has %+v, %v", noted, err)
		}
	})
}

func TestTogetherShowsWhatWaits(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		must(t, d.Store().Together(ctx, func(s devices.Tables) error {
			a := put(ctx, t, s.Things, devices.Thing{Code: "a"})
			a.Name = "edited while it waits"
			must(t, s.Things.Put(ctx, &a))
			same(ctx, t, s.Things, a.ID, a)
			listed, err := s.Things.List(ctx, devices.Page{Limit: 9})
			must(t, err)
			if diff := cmp.Diff([]devices.Thing{a}, listed); diff != "" {
				t.Error(diff)
			}
			a.Name = "edited when it is kept"
			a.LocationID = put(ctx, t, s.Locations, devices.Location{Name: "quay"}).ID
			must(t, s.Things.Put(ctx, &a))
			same(ctx, t, s.Things, a.ID, a)
			b := put(ctx, t, s.Things, devices.Thing{Code: "b"})
			must(t, s.Things.Delete(ctx, b.ID))
			if _, err := s.Things.Get(ctx, b.ID); !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("a deleted thing: %v", err)
			}
			return nil
		}))
		count(ctx, t, d, 1)
	})
}

// The ids go on, whichever way they were given.
func TestTogetherGivesEachIDOnce(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		last, n := int64(0), 0
		next := func(s devices.Tables) {
			n++
			thing := put(ctx, t, s.Things, devices.Thing{Code: fmt.Sprint(n)})
			if thing.ID <= last {
				t.Fatalf("id %d was given after %d", thing.ID, last)
			}
			last = thing.ID
		}
		for _, together := range []int{1, 2 * idsAtOnce, 3, 77} {
			next(d.Store().Tables())
			must(t, d.Store().Together(ctx, func(s devices.Tables) error {
				for range together {
					next(s)
				}
				_, err := s.Things.List(ctx, devices.Page{Limit: 1})
				must(t, err)
				next(s)
				return nil
			}))
			must(t, d.Store().Tables().Things.Delete(ctx, last))
			n--
		}
		all, err := d.Store().Tables().Things.List(ctx, devices.Page{Limit: 1000})
		if err != nil || len(all) != n {
			t.Errorf("%d things are kept, want %d: %v", len(all), n, err)
		}
	})
}

func TestTogetherKeepsNothingOfWhatIsRefused(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		for name, bad := range map[string]func(devices.Tables) error{
			"a code twice": func(s devices.Tables) error {
				put(ctx, t, s.Things, devices.Thing{Code: "a"})
				return nil
			},
			"a reference to nothing": func(s devices.Tables) error {
				put(ctx, t, s.HistoricalLocations, devices.HistoricalLocation{ThingID: 9_999, LocationID: 9_999, Time: time.Unix(0, 1)})
				return nil
			},
			"a refusal on the way that nobody heeds": func(s devices.Tables) error {
				put(ctx, t, s.Things, devices.Thing{Code: "a"})
				_, _ = s.Things.List(ctx, devices.Page{Limit: 1})
				return nil
			},
		} {
			err := d.Store().Together(ctx, func(s devices.Tables) error {
				put(ctx, t, s.Things, devices.Thing{Code: "a"})
				return bad(s)
			})
			if err == nil {
				t.Errorf("%s is kept", name)
			}
			count(ctx, t, d, 0)
		}
		err := d.Store().Together(ctx, func(s devices.Tables) error { return s.Things.Put(ctx, &devices.Thing{Code: "a\x00"}) })
		refused(t, "no text", err, devices.ErrInvalid, "code", "zero byte")
	})
}
