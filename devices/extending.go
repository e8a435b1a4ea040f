package devices

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// extendGroups gives the places that devices of an edited model fill the
// datastreams of its new channels.
func (w *work) extendGroups(ctx context.Context, s, old *Sensor) error {
	fresh := slices.DeleteFunc(slices.Clone(s.Channels), func(c Channel) bool {
		return slices.ContainsFunc(old.Channels, func(o Channel) bool { return o.Property == c.Property })
	})
	if len(fresh) == 0 {
		return nil
	}
	for after := int64(0); ; {
		groups, err := w.Groups.List(ctx, Page{After: after, Limit: loadPage, Match: map[string]any{"sensor_id": s.ID}})
		if err != nil {
			return err
		}
		for _, g := range groups {
			if err := w.extendGroup(ctx, g, fresh); err != nil {
				return err
			}
			after = g.ID
		}
		if len(groups) < loadPage {
			break
		}
	}
	for _, id := range w.registry.hostsOf(s.ID) {
		g, err := w.Groups.Get(ctx, id)
		if err != nil {
			return err
		}
		if err := w.extendGroup(ctx, g, fresh); err != nil {
			return err
		}
	}
	return nil
}

// extendGroup gives a group the datastreams of channels that it lacks. Each
// gets its channel's slot, or where another model's has it, the next free one.
func (w *work) extendGroup(ctx context.Context, g Group, channels []Channel) error {
	streams, err := w.Datastreams.List(ctx, Page{Limit: loadPage, Match: map[string]any{"group_id": g.ID}})
	if err != nil {
		return err
	}
	thing, err := w.Things.Get(ctx, g.ThingID)
	if err != nil {
		return err
	}
	taken, next := map[int]bool{}, 0
	for _, d := range streams {
		taken[d.Slot], next = true, max(next, d.Slot+1)
	}
	for _, c := range channels {
		if i := slices.IndexFunc(streams, func(d Datastream) bool { return d.Property == c.Property }); i >= 0 {
			if streams[i].Unit != c.Unit {
				return invalid("channels."+c.Key+".unit", fmt.Sprintf("thing %s already measures %s in %s, in the place of a device of this model; use that unit, or another property",
					thing.Code, c.Property, streams[i].Unit))
			}
			continue
		}
		if taken[c.Slot] {
			c.Slot = next
		}
		if c.Slot >= maxSlots {
			return invalid("channels."+c.Key, fmt.Sprintf("a place at thing %s has had %d datastreams, and no room for more; recall the device and deploy it anew", thing.Code, maxSlots))
		}
		taken[c.Slot], next = true, max(next, c.Slot+1)
		if err := w.newDatastream(ctx, g, thing.Name, c); err != nil {
			return err
		}
	}
	return nil
}

// settle notes on the datastreams of a mixed group which of them end with a
// deployment and which go on.
func (w *work) settle(ctx context.Context, d *Deployment, sensor int64) error {
	g, err := w.Groups.Get(ctx, d.GroupID)
	if err != nil {
		return err
	}
	if g.SensorID == sensor && !w.registry.hosts(g.ID, sensor) {
		return nil
	}
	model, err := w.Sensors.Get(ctx, sensor)
	if err != nil {
		return err
	}
	streams, err := w.Datastreams.List(ctx, Page{Limit: loadPage, Match: map[string]any{"group_id": g.ID}})
	if err != nil {
		return err
	}
	for _, stream := range streams {
		measured := slices.ContainsFunc(model.Channels, func(c Channel) bool { return c.Property == stream.Property })
		if err := w.endStream(ctx, stream, !measured, d); err != nil {
			return err
		}
	}
	return nil
}

// endStream ends a datastream with the beginning of a deployment, or lets it
// go on.
func (w *work) endStream(ctx context.Context, stream Datastream, ends bool, d *Deployment) error {
	next := stream
	switch {
	case !ends:
		next.Ended = time.Time{}
	case stream.Ended.IsZero():
		next.Ended = d.From
	}
	if next == stream {
		return nil
	}
	return w.registry.Datastreams.put(ctx, w, &next, &stream)
}
