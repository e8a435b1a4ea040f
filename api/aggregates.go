package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/telemetry"
)

// maxWindows bounds one answer.
const maxWindows = 20_000

// Aggregate is one window of a datastream; it has the members asked for.
// Windows without readings are left out: a gap is a gap.
type Aggregate struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to" doc:"The first instant that is no longer in the window"`
	Count *int64    `json:"count,omitempty"`
	Mean  *float64  `json:"mean,omitempty"`
	Min   *float64  `json:"min,omitempty"`
	Max   *float64  `json:"max,omitempty"`
	Sum   *float64  `json:"sum,omitempty"`
	First *float64  `json:"first,omitempty"`
	Last  any       `json:"last,omitempty" doc:"A text where the property holds texts"`
}

type aggregateList struct {
	ByID
	Datetime string   `query:"datetime" doc:"A/B, RFC 3339, .. for an open end; every window that [A, B) touches is told whole; the last 24 hours when absent"`
	Window   string   `query:"window" enum:"PT1H,P1D,P1M" default:"PT1H" doc:"Cut in the city's time zone"`
	Fn       []string `query:"fn" doc:"Of mean, min, max, count, sum, first, last; mean,min,max,count when absent"`
}

// Aggregates is the answer with a datastream's windows.
type Aggregates struct {
	Items []Aggregate `json:"items" nullable:"false"`
}

func functions() []string {
	return []string{"mean", "min", "max", "count", "sum", "first", "last"}
}

func (s *Server) aggregates() {
	register(s, huma.Operation{OperationID: "list-aggregates", Method: http.MethodGet, Path: base + "/datastreams/{id}/aggregates",
		Summary: "A datastream's readings by hour, day or month", Tags: []string{"observations"},
		Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, access.ReadingRead, s.listAggregates)
}

func (s *Server) listAggregates(ctx context.Context, in *aggregateList) (*shown[Aggregates], error) {
	asked, err := parseSpan(in.Datetime, s.o.Now())
	if err != nil {
		return nil, err
	}
	fns, err := parseFunctions(in.Fn)
	if err != nil {
		return nil, err
	}
	step := telemetry.Step(in.Window)
	if err := checkWindows(asked, step); err != nil {
		return nil, err
	}
	stream, err := s.datastream(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !asked.to.After(asked.from) {
		asked.to = asked.from.Add(1)
	}
	windows, err := s.o.History.Aggregates(ctx, stream, step, asked.from, asked.to)
	if err != nil {
		return nil, err
	}
	property, _ := s.o.Registry.Property(stream.Property)
	items := make([]Aggregate, len(windows))
	for i := range windows {
		items[i] = aggregate(&windows[i], fns, property.Kind == devices.Text)
	}
	return &shown[Aggregates]{Aggregates{items}}, nil
}

func parseFunctions(given []string) ([]string, error) {
	if len(given) == 0 {
		return functions()[:4], nil
	}
	for _, fn := range given {
		if !slices.Contains(functions(), fn) {
			return nil, badParameter("fn", fmt.Sprintf("%q is none of %s", fn, strings.Join(functions(), ", ")))
		}
	}
	return given, nil
}

// checkWindows refuses more windows than one answer should have.
func checkWindows(asked span, step telemetry.Step) error {
	width := map[telemetry.Step]time.Duration{telemetry.PerHour: time.Hour, telemetry.PerDay: 24 * time.Hour, telemetry.PerMonth: 28 * 24 * time.Hour}[step]
	if asked.to.Sub(asked.from)/width > maxWindows {
		return badParameter("datetime", fmt.Sprintf("spans more than %d windows of %s; ask for a shorter time or wider windows", maxWindows, step))
	}
	return nil
}

func aggregate(w *telemetry.Window, fns []string, text bool) Aggregate {
	a := Aggregate{From: w.From.UTC(), To: w.To.UTC()}
	if slices.Contains(fns, "count") {
		a.Count = &w.Count
	}
	if text {
		if slices.Contains(fns, "last") {
			a.Last = w.LastText
		}
		return a
	}
	mean := w.Mean()
	for fn, value := range map[string]*float64{"mean": &mean, "min": &w.Min, "max": &w.Max, "sum": &w.Sum, "first": &w.First} {
		if slices.Contains(fns, fn) {
			*a.member(fn) = value
		}
	}
	if slices.Contains(fns, "last") {
		a.Last = w.Last
	}
	return a
}

// member is the place of a function's value.
func (a *Aggregate) member(fn string) **float64 {
	return map[string]**float64{"mean": &a.Mean, "min": &a.Min, "max": &a.Max, "sum": &a.Sum, "first": &a.First}[fn]
}
