package database

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cityhub/telemetry"
)

func message(n int, reason telemetry.Reason) telemetry.Quarantined {
	return telemetry.Quarantined{Received: noon, Route: "native", Topic: fmt.Sprintf("t/%d", n), Sender: "s",
		Device: fmt.Sprintf("dev-%d", n%2), Payload: []byte{0, 0xff, byte(n)}, Reason: reason, Detail: "why"}
}

func ids(items []telemetry.Quarantined) (ids []int64) {
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

// heads are the items as a list of heads shows them.
func heads(items []telemetry.Quarantined, most int) []telemetry.Quarantined {
	items = slices.Clone(items)
	for i := range items {
		items[i].Payload = items[i].Payload[:most]
	}
	return items
}

func TestQuarantineGivesBackWhatItKept(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		q := d.Quarantine()
		items := []telemetry.Quarantined{message(1, telemetry.NoRoute), message(2, telemetry.NotRegistered), message(3, telemetry.NotRegistered)}
		dropped, err := q.Add(ctx, items)
		must(t, err)
		if dropped != 0 || items[0].ID < 1 || items[1].ID <= items[0].ID {
			t.Errorf("dropped %d, ids %v", dropped, ids(items))
		}
		for name, c := range map[string]struct {
			filter telemetry.QuarantineFilter
			want   []telemetry.Quarantined
		}{
			"all":       {telemetry.QuarantineFilter{}, items},
			"by reason": {telemetry.QuarantineFilter{Reason: telemetry.NotRegistered}, items[1:]},
			"by device": {telemetry.QuarantineFilter{Device: "dev-0"}, items[1:2]},
			"newest":    {telemetry.QuarantineFilter{Newest: true, Limit: 1}, items[2:]},
			"heads":     {telemetry.QuarantineFilter{Head: 2}, heads(items, 2)},
			"page":      {telemetry.QuarantineFilter{After: items[0].ID, Limit: 1}, items[1:2]},
		} {
			got, err := q.List(ctx, c.filter)
			must(t, err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		counted(ctx, t, q, map[telemetry.Reason]int64{telemetry.NoRoute: 1, telemetry.NotRegistered: 2})
		must(t, q.Remove(ctx, []int64{items[0].ID, items[2].ID, items[2].ID, 1 << 40}))
		counted(ctx, t, q, map[telemetry.Reason]int64{telemetry.NotRegistered: 1})
	})
}

func counted(ctx context.Context, t *testing.T, q telemetry.Quarantine, want map[telemetry.Reason]int64) {
	t.Helper()
	got, err := q.Count(ctx, nil)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQuarantineDropsTheOldest(t *testing.T) {
	for name, c := range map[string]struct {
		max  QuarantineMax
		want int // messages left of 1,200
	}{
		"by count": {QuarantineMax{Messages: 30}, 30},
		"by bytes": {QuarantineMax{Bytes: 100 * 24}, 100},
		"all":      {QuarantineMax{Bytes: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onBothEngines(t, func(t *testing.T, options Options) {
				options.QuarantineMax = c.max
				fill(t, open(t, options).Quarantine(), c.want)
			})
		})
	}
}

// fill adds 1,200 messages of 24 bytes each.
func fill(t *testing.T, q telemetry.Quarantine, want int) {
	t.Helper()
	var newest []int64
	dropped := 0
	for range 2 {
		items := make([]telemetry.Quarantined, 600)
		for i := range items {
			items[i] = telemetry.Quarantined{Received: noon, Reason: telemetry.NoRoute, Payload: bytes.Repeat([]byte{1}, 24)}
		}
		gone, err := q.Add(t.Context(), items)
		must(t, err)
		dropped += gone
		newest = append(newest, ids(items)...)
	}
	left, err := q.List(t.Context(), telemetry.QuarantineFilter{})
	must(t, err)
	if dropped != 1200-want {
		t.Errorf("dropped %d, want %d", dropped, 1200-want)
	}
	if diff := cmp.Diff(newest[1200-want:], append([]int64{}, ids(left)...)); diff != "" {
		t.Error(diff)
	}
	counts, err := q.Count(t.Context(), nil)
	must(t, err)
	if counts[telemetry.NoRoute] != int64(want) {
		t.Errorf("counts %v, want %d", counts, want)
	}
}

// One that fills the quarantine pushes out its own messages and nobody else's.
func TestTheFullestDevicesGiveWay(t *testing.T) {
	for name, most := range map[string]QuarantineMax{
		"by count": {Messages: 1000},
		"by bytes": {Bytes: 1000 * (24 + 6)},
	} {
		t.Run(name, func(t *testing.T) {
			onBothEngines(t, func(t *testing.T, options Options) {
				options.QuarantineMax = most
				giveWayInTurn(t, open(t, options).Quarantine())
			})
		})
	}
}

func giveWayInTurn(t *testing.T, q telemetry.Quarantine) {
	ctx := t.Context()
	add := func(device string, n int) (ids []int64, dropped int) {
		items := make([]telemetry.Quarantined, n)
		for i := range items {
			items[i] = telemetry.Quarantined{Received: noon, Reason: telemetry.Undecodable, Device: device, Payload: make([]byte, 24)}
		}
		dropped, err := q.Add(ctx, items)
		must(t, err)
		for i := range items {
			ids = append(ids, items[i].ID)
		}
		return ids, dropped
	}
	of := func(device string) (left []int64) {
		found, err := q.List(ctx, telemetry.QuarantineFilter{Device: device})
		must(t, err)
		return ids(found)
	}
	same := func(what string, got, want []int64) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	quiet, _ := add("quiet0", 100)
	middle, _ := add("middle", 300)
	loud, dropped := add("loud00", 2500)
	if dropped != 1900 {
		t.Errorf("%d went, want 1,900", dropped)
	}
	same("the loud one has its newest", of("loud00"), loud[1900:])
	same("the quiet one", of("quiet0"), quiet)
	other, _ := add("other0", 500) // 1,500 in all: the level is 300
	same("the middle one", of("middle"), middle)
	same("the other one", of("other0"), other[200:])
	same("the loud one", of("loud00"), loud[2200:])
	must(t, q.Remove(ctx, middle))
	if _, dropped := add("quiet0", 300); dropped != 0 {
		t.Errorf("%d went though there was room", dropped)
	}
	if _, dropped := add("quiet0", 10); dropped != 10 || len(of("quiet0")) != 400 {
		t.Errorf("%d went and %d stayed of the fullest", dropped, len(of("quiet0")))
	}
	same("the quiet ones newest", of("quiet0")[:1], []int64{quiet[10]})
	counted(ctx, t, q, map[telemetry.Reason]int64{telemetry.Undecodable: 1000})
}

func TestQuarantineTakesHostileTexts(t *testing.T) {
	withDatabase(t, func(ctx context.Context, t *testing.T, d *Database) {
		m := message(0, telemetry.Undecodable)
		m.Topic, m.Device, m.Payload = "a\x00b", "\xff\xfe", nil
		_, err := d.Quarantine().Add(ctx, []telemetry.Quarantined{m})
		must(t, err)
		got, err := d.Quarantine().List(ctx, telemetry.QuarantineFilter{Device: "\xff\xfe"})
		must(t, err)
		if len(got) != 1 || got[0].Topic != "a\uFFFDb" || len(got[0].Payload) != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
