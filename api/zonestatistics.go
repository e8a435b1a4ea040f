package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/geo"
	"cityhub/telemetry"
	"cityhub/telemetry/statistics"
)

const (
	// maxRows bounds zones × windows of one answer.
	maxRows = 100_000
	// longestSpan bounds what is looked at for one answer.
	longestSpan = 10 * 366 * 24 * time.Hour
)

type zoneStatisticsInput struct {
	Kind       string   `query:"kind" required:"true" doc:"Of the zones, as ward" example:"ward"`
	Zone       string   `query:"zone" doc:"Code of the one zone that is asked for; all of the kind when absent"`
	Property   string   `query:"property" required:"true" doc:"Code of an observed property whose values are numbers or truth values" example:"pm25"`
	Datetime   string   `query:"datetime" doc:"A/B, RFC 3339; every window that [A, B) touches is told whole, without window every hour; the last 24 hours when absent" example:"2026-02-01T00:00:00+07:00/2026-03-01T00:00:00+07:00"`
	Window     string   `query:"window" enum:"PT1H,P1D,P1M" doc:"A row a zone and window, cut in the city's time zone; a row a zone when absent"`
	Fn         []string `query:"fn" doc:"Of mean, min, max, count, sum; mean,min,max when absent. count and stations are always told"`
	Weight     string   `query:"weight" enum:"reading,station" default:"reading" doc:"mean is that of all readings, or that of the stations' means"`
	Boundaries string   `query:"boundaries" doc:"The day, as 2025-07-01, whose boundaries cut the city; then: each reading counts in the zone that held its place on its own day; today's when absent" example:"2025-06-30"`
	RollUps    string   `query:"rollups" enum:"only" doc:"only: nothing but roll-ups is read, so vehicles fill no answer; the present hour, an hour in which a station moved, and mobile things do not count then"`

	Organisation string `query:"organisation" doc:"Code or id of the stations' owner"`
	Format       string `query:"format" enum:"json,csv" default:"json"`
	Known        string `header:"If-None-Match"`
}

func (s *Server) zoneStatistics() {
	register(s, huma.Operation{OperationID: "get-zone-statistics", Method: http.MethodGet, Path: base + "/zones/statistics",
		Summary: "What a property's readings tell of zones", Tags: []string{"zones"},
		Description: "From hourly and daily roll-ups as far as they reach. A station counts where it stood at the time, a mobile one where each reading was made. A zone without readings has null, and a count of 0. Readings out of their channel's range do not count. Counted is only what the caller may read. A span that is over has an ETag; late readings change it.",
		Responses:   s.derivedResponses(ZoneStatistics{}, zoneStatisticsExample, csvMedia),
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.getZoneStatistics)
}

// zoneQuestion is a question that has been read.
type zoneQuestion struct {
	asked    *zoneStatisticsInput
	property *devices.ObservedProperty
	fns      []string
	then     bool
	statistics.ZoneQuery
	rows []zoneRow
}

// zoneRow is a zone with the days on which it has boundaries.
type zoneRow struct {
	zone   devices.Zone
	shapes []*geo.Shape
}

func (s *Server) getZoneStatistics(ctx context.Context, in *zoneStatisticsInput) (*derivedOutput, error) {
	q := &zoneQuestion{asked: in}
	for _, read := range []func(context.Context, *zoneQuestion) error{s.readZoneProperty, s.readZoneWindows, s.readZones, s.readZoneSources} {
		if err := read(ctx, q); err != nil {
			return nil, err
		}
	}
	cells, err := statistics.Zones(ctx, s.o.History, &q.ZoneQuery)
	if errors.Is(err, statistics.ErrTooMuch) {
		return nil, tooMuch("ask for a shorter time, wider windows or one organisation, or with rollups=only, which leaves mobile things and the present hour out")
	}
	if err != nil {
		return nil, err
	}
	table := s.zoneTable(q, cells)
	out := &derivedOutput{ContentType: "application/json"}
	if in.Format == "csv" {
		out.ContentType, out.Body = csvMedia, table.csv()
	} else {
		out.Body = table.json()
	}
	out.seal(in.Known, !time.Unix(0, q.To).After(s.o.Now()))
	return out, nil
}

// tooMuch refuses what would read more than one answer may.
func tooMuch(mend string) *Problem {
	return badParameter("datetime", statistics.ErrTooMuch.Error()+"; "+mend)
}

func (s *Server) readZoneProperty(ctx context.Context, q *zoneQuestion) (err error) {
	if q.property, err = s.numeric(ctx, q.asked.Property); err != nil {
		return err
	}
	known := []string{"mean", "min", "max", "count", "sum"}
	for _, fn := range q.asked.Fn {
		if !slices.Contains(known, fn) {
			return badParameter("fn", fmt.Sprintf("%q is none of %s", fn, strings.Join(known, ", ")))
		}
	}
	if q.fns = q.asked.Fn; len(q.fns) == 0 {
		q.fns = known[:3]
	}
	q.Need = telemetry.NeedSum
	if slices.Contains(q.fns, "min") || slices.Contains(q.fns, "max") {
		q.Need |= telemetry.NeedBounds
	}
	q.ZoneQuery.Property, q.Kind, q.RollUps = q.property.Code, q.asked.Kind, q.asked.RollUps == "only"
	return nil
}

// numeric finds a property of which a mean makes sense.
func (s *Server) numeric(ctx context.Context, code string) (*devices.ObservedProperty, error) {
	property, _, err := s.selected(ctx, Selection{Property: code})
	if err == nil && property.Kind == devices.Text {
		err = badParameter("property", fmt.Sprintf("%q holds texts; ask for one that holds numbers or truth values", code))
	}
	return property, err
}

// pastSpan reads a time that is to be looked at, no later than now.
func (s *Server) pastSpan(text string) (span, error) {
	now := s.o.Now()
	asked, err := parseSpan(text, now)
	if err != nil {
		return asked, err
	}
	if asked.to.After(now) {
		asked.to = now
	}
	if !asked.to.After(asked.from) {
		return asked, badParameter("datetime", "holds no time up to now; its end must be later than its beginning")
	}
	if asked.to.Sub(asked.from) > longestSpan {
		return asked, badParameter("datetime", "spans more than ten years; ask for a shorter time")
	}
	return asked, nil
}

func (s *Server) readZoneWindows(_ context.Context, q *zoneQuestion) error {
	asked, err := s.pastSpan(q.asked.Datetime)
	if err != nil {
		return err
	}
	step := telemetry.Step(q.asked.Window)
	q.Finest = telemetry.Daily
	switch step {
	case telemetry.PerHour:
		q.Finest = telemetry.Hourly
		fallthrough
	case telemetry.PerDay, telemetry.PerMonth:
		if err := checkWindows(asked, step); err != nil {
			return err
		}
		if q.Windows, err = s.o.History.Windows(step, asked.from, asked.to); err != nil {
			return err
		}
	default:
		from, to := asked.from.Truncate(time.Hour), asked.to.Add(time.Hour-1).Truncate(time.Hour)
		q.Windows = []telemetry.Window{{From: from, To: to}}
	}
	q.From, q.To = q.Windows[0].From.UnixNano(), q.Windows[len(q.Windows)-1].To.UnixNano()
	return nil
}

// readZones finds the zones that had boundaries.
func (s *Server) readZones(_ context.Context, q *zoneQuestion) error {
	first, last := s.dayOf(q.From), s.dayOf(q.To-1)
	if q.then = q.asked.Boundaries == "then"; !q.then {
		day, err := s.day("boundaries", q.asked.Boundaries)
		if err != nil {
			return err
		}
		q.Day, first, last = day, day, day
	}
	if q.asked.Zone != "" {
		if zone, known := s.o.Registry.ZoneByCode(q.asked.Zone); !known || zone.Kind != q.Kind {
			return badParameter("zone", "no zone of this kind has this code")
		}
	}
	q.Shapes, _ = s.o.Registry.Shapes()
	for _, shape := range s.o.Registry.ZonesBetween(q.Kind, first, last) {
		if q.asked.Zone != "" && shape.Code != q.asked.Zone {
			continue
		}
		if n := len(q.rows); n > 0 && q.rows[n-1].zone.ID == shape.Zone {
			q.rows[n-1].shapes = append(q.rows[n-1].shapes, shape)
		} else if zone, known := s.o.Registry.Zone(shape.Zone); known {
			q.rows = append(q.rows, zoneRow{zone, []*geo.Shape{shape}})
			q.Zones = append(q.Zones, zone.ID)
		}
	}
	if rows := len(q.rows) * len(q.Windows); rows > maxRows {
		return badParameter("window", fmt.Sprintf("%d zones and %d windows make %d rows, more than %d; ask for wider windows, a shorter time or one zone",
			len(q.rows), len(q.Windows), rows, maxRows))
	}
	return nil
}

func (s *Server) dayOf(instant int64) geo.Day { return geo.DayOf(time.Unix(0, instant).In(s.o.Zone)) }

func (s *Server) readZoneSources(ctx context.Context, q *zoneQuestion) error {
	keep, err := s.keeper(ctx, Filter{Organisation: q.asked.Organisation})
	if err != nil || len(q.rows) == 0 {
		return err
	}
	q.Sources = s.sources(ctx, q.property.Code, func(m *devices.Measured) bool {
		return keep.Owns(m.Station.OrganisationID)
	})
	return nil
}

// sources gives the datastreams of a property that the caller may read. Those
// of mobile things are never published: they would tell where a vehicle was.
func (s *Server) sources(ctx context.Context, property string, keep func(*devices.Measured) bool) []devices.Measured {
	scope := access.ScopeOf(ctx)
	all := s.o.Registry.Measuring(property)
	return slices.DeleteFunc(all, func(m devices.Measured) bool {
		published := m.Publication
		if m.Station.Mobile {
			published = access.Private
		}
		return !scope.Reads(m.Station.OrganisationID, m.Station.ID, property, published) || !keep(&m)
	})
}
