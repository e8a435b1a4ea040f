package database

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cityhub/devices"
)

func codes(things []devices.Thing) (codes []string) {
	for _, t := range things {
		codes = append(codes, t.Code)
	}
	return codes
}

func TestListPagesAndMatches(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		s := d.Store().Tables()
		odd := put(ctx, t, s.Organisations, devices.Organisation{Code: "odd"})
		for i := range 7 {
			thing := devices.Thing{Code: fmt.Sprint(i)}
			if i%2 == 1 {
				thing.OrganisationID = odd.ID
			}
			put(ctx, t, s.Things, thing)
		}
		all, err := s.Things.List(ctx, devices.Page{Limit: 100})
		must(t, err)
		for name, c := range map[string]struct {
			page devices.Page
			want string
		}{
			"first page":   {devices.Page{Limit: 3}, "[0 1 2]"},
			"next page":    {devices.Page{After: all[2].ID, Limit: 3}, "[3 4 5]"},
			"last page":    {devices.Page{After: all[5].ID, Limit: 3}, "[6]"},
			"past the end": {devices.Page{After: all[6].ID, Limit: 3}, "[]"},
			"matched":      {devices.Page{Limit: 2, Match: map[string]any{"organisation_id": odd.ID}}, "[1 3]"},
			"next matched": {devices.Page{After: all[3].ID, Limit: 2, Match: map[string]any{"organisation_id": odd.ID}}, "[5]"},
			"by none":      {devices.Page{Limit: 9, Match: map[string]any{"organisation_id": 0}}, "[0 2 4 6]"},
			"by two":       {devices.Page{Limit: 9, Match: map[string]any{"organisation_id": odd.ID, "code": "3"}}, "[3]"},
			"by some":      {devices.Page{Limit: 9, Match: map[string]any{"code": []string{"5", "3", "x", "6"}, "organisation_id": odd.ID}}, "[3 5]"},
			"by none of":   {devices.Page{Limit: 9, Match: map[string]any{"code": []string{}}}, "[]"},
			"by nothing":   {devices.Page{Limit: 9, Match: map[string]any{"code": "x' OR 1=1 --"}}, "[]"},
		} {
			got, err := s.Things.List(ctx, c.page)
			if err != nil || fmt.Sprint(codes(got)) != c.want {
				t.Errorf("%s: %v %v, want %s", name, codes(got), err, c.want)
			}
		}
		_, err = s.Things.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"name": "x"}})
		refused(t, "unknown column", err, devices.ErrInvalid, "name", "code, organisation_id, location_id")
		_, err = s.Things.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"organisation_id": "x"}})
		refused(t, "text for an id", err, devices.ErrInvalid, "organisation_id", "string")
		_, err = s.Things.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"organisation_id": []string{"1"}}})
		refused(t, "texts for an id", err, devices.ErrInvalid, "organisation_id", "string")
		_, err = s.Things.List(ctx, devices.Page{})
		refused(t, "no limit", err, devices.ErrInvalid, "limit", "at least 1")
	})
}

func TestAtomicallyKeepsAllOrNothing(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		mine := errors.New("mine")
		err := d.Store().Atomically(ctx, func(s devices.Tables) error {
			kept := put(ctx, t, s.Things, devices.Thing{Code: "a"})
			if _, err := s.Things.Get(ctx, kept.ID); err != nil {
				t.Errorf("a transaction does not see its own change: %v", err)
			}
			if _, err := d.Store().Tables().Things.Get(ctx, kept.ID); !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("others see an unkept change: %v", err)
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("got %v, want the error of do", err)
		}
		count(ctx, t, d, 0)
		must(t, d.Store().Atomically(ctx, func(s devices.Tables) error {
			put(ctx, t, s.Things, devices.Thing{Code: "a"})
			put(ctx, t, s.Things, devices.Thing{Code: "b"})
			return nil
		}))
		count(ctx, t, d, 2)
	})
}

func count(ctx context.Context, t *testing.T, d *Database, want int) {
	t.Helper()
	all, err := d.Store().Tables().Things.List(ctx, devices.Page{Limit: 1000})
	must(t, err)
	if len(all) != want {
		t.Errorf("%d things are kept, want %d", len(all), want)
	}
}

// PostgreSQL gives up a transaction at the first refusal; SQLite must not keep
// what PostgreSQL would not.
func TestAfterARefusalNothingIsKept(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		var inner error
		err := d.Store().Atomically(ctx, func(s devices.Tables) error {
			put(ctx, t, s.Things, devices.Thing{Code: "a"})
			inner = s.Things.Put(ctx, &devices.Thing{Code: "a"})
			return nil
		})
		refused(t, "inner", inner, devices.ErrConflict, "code", "taken")
		if err == nil {
			t.Error("the transaction says that it was kept")
		}
		count(ctx, t, d, 0)
	})
}

func TestAPanicRollsBack(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		func() {
			defer func() { _ = recover() }()
			_ = d.Store().Atomically(ctx, func(s devices.Tables) error {
				put(ctx, t, s.Things, devices.Thing{Code: "a"})
				panic("x")
			})
		}()
		count(ctx, t, d, 0)
		put(ctx, t, d.Store().Tables().Things, devices.Thing{Code: "a"}) // the writer is free again
	})
}

func TestACancelledTransactionKeepsNothing(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		short, cancel := context.WithCancel(ctx)
		err := d.Store().Atomically(short, func(s devices.Tables) error {
			put(short, t, s.Things, devices.Thing{Code: "a"})
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want a cancelled context", err)
		}
		count(ctx, t, d, 0)
	})
}

// An id that was once given must not name something else: the archive holds
// readings under it.
func TestIDsAreNotGivenTwice(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		things := d.Store().Tables().Things
		first := put(ctx, t, things, devices.Thing{Code: "a"})
		must(t, things.Delete(ctx, first.ID))
		if again := put(ctx, t, things, devices.Thing{Code: "a"}); again.ID <= first.ID {
			t.Errorf("id %d was given again after %d", again.ID, first.ID)
		}
	})
}
