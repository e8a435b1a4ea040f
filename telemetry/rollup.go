package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"time"
)

// Roll-up fields are named property + suffix. Readings flagged OutOfRange are
// left out of them; Text properties keep count and last only.
const (
	suffixCount = "_count"
	suffixMin   = "_min"
	suffixMax   = "_max"
	suffixSum   = "_sum"
	suffixFirst = "_first"
	suffixLast  = "_last"
)

// Summary is what a window says of one datastream.
type Summary struct {
	Count         int64
	Min, Max, Sum float64
	First, Last   float64
	LastText      string // Text properties only
	kind          Kind
}

// Mean is the mean of the readings; not a number when there are none.
func (s *Summary) Mean() float64 { return s.Sum / float64(s.Count) }

// add takes one more reading in; readings come in order of time.
func (s *Summary) add(v Value) {
	s.Join(&Summary{Count: 1, Min: v.Num, Max: v.Num, Sum: v.Num, First: v.Num, Last: v.Num, LastText: v.Text, kind: v.Kind})
}

// Join takes a later window in.
func (s *Summary) Join(later *Summary) {
	if later.Count == 0 {
		return
	}
	if s.Count == 0 {
		*s = *later
		return
	}
	s.Count += later.Count
	s.Min, s.Max = math.Min(s.Min, later.Min), math.Max(s.Max, later.Max)
	s.Sum += later.Sum
	s.Last, s.LastText = later.Last, later.LastText
}

func (s *Summary) fields(property string, fields []Field) []Field {
	number := func(suffix string, v float64) Field { return Field{Property: property + suffix, Value: NumberOf(v)} }
	fields = append(fields, number(suffixCount, float64(s.Count)))
	if s.Count == 0 { // it tells that what an earlier roll-up said is over
		return fields
	}
	if s.kind == Text {
		return append(fields, Field{Property: property + suffixLast, Value: TextOf(s.LastText)})
	}
	return append(fields, number(suffixMin, s.Min), number(suffixMax, s.Max), number(suffixSum, s.Sum),
		number(suffixFirst, s.First), number(suffixLast, s.Last))
}

// take reads one roll-up field back.
func (s *Summary) take(suffix string, v Value) {
	if s.kind != Text { // a text's count is a number
		s.kind = v.Kind
	}
	switch suffix {
	case suffixCount:
		s.Count = int64(v.Num)
	case suffixMin:
		s.Min = v.Num
	case suffixMax:
		s.Max = v.Num
	case suffixSum:
		s.Sum = v.Num
	case suffixFirst:
		s.First = v.Num
	case suffixLast:
		s.Last, s.LastText = v.Num, v.Text
	}
}

// summarise joins what a line says, raw or rolled up, to summaries by property.
func summarise(into map[string]*Summary, l *Line, bucket Bucket) {
	if bucket == Raw {
		for i := range l.Fields {
			f := &l.Fields[i]
			if s := summaryOf(into, f.Property); f.Quality&OutOfRange == 0 {
				s.add(f.Value)
			}
		}
		return
	}
	line := map[string]*Summary{}
	for i := range l.Fields {
		f := &l.Fields[i]
		if at := strings.LastIndexByte(f.Property, '_'); at > 0 {
			summaryOf(line, f.Property[:at]).take(f.Property[at:], f.Value)
		}
	}
	for property, s := range line {
		summaryOf(into, property).Join(s)
	}
}

func summaryOf(in map[string]*Summary, property string) *Summary {
	s := in[property]
	if s == nil {
		s = &Summary{}
		in[property] = s
	}
	return s
}

// RollerOptions says what a roller works with.
type RollerOptions struct {
	Archive   Archive
	Journal   RollUpJournal
	Forwarder *Forwarder
	Zone      *time.Location // the city's: days are cut in it
	Grace     time.Duration  // how long after its end an hour is rolled up; 2 minutes when 0
	Every     time.Duration  // how often it looks; 10 s when 0
	Now       func() time.Time
	Log       *slog.Logger
}

// Roller keeps the hourly and daily buckets in line with the raw one, also
// where late readings changed a window that was done.
type Roller struct{ o RollerOptions }

// NewRoller makes a roller; nothing moves before Run.
func NewRoller(o RollerOptions) *Roller {
	if o.Grace == 0 {
		o.Grace = 2 * time.Minute
	}
	if o.Every == 0 {
		o.Every = 10 * time.Second
	}
	return &Roller{o: o}
}

// Run rolls up until the context ends.
func (r *Roller) Run(ctx context.Context) error {
	faulty := false
	for {
		err := r.Step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !faulty {
			r.o.Log.Error("roll-ups wait", "error", err)
		}
		faulty = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.o.Every):
		}
	}
}

// Step does all that is due: dirty windows first, then the hours that ended.
func (r *Roller) Step(ctx context.Context) error {
	mark, err := r.o.Journal.Watermark(ctx, 0)
	if err != nil {
		return err
	}
	if mark == 0 {
		return nil // the forwarder has not begun
	}
	now := r.o.Now()
	if err := r.clean(ctx); err != nil {
		return err
	}
	for mark+int64(time.Hour+r.o.Grace) <= now.UnixNano() {
		if err := r.hour(ctx, mark); err != nil {
			return err
		}
		mark += int64(time.Hour)
		if _, err := r.o.Journal.Watermark(ctx, mark); err != nil {
			return err
		}
	}
	return nil
}

// hour rolls up one hour of every group, and the day that ends with it.
func (r *Roller) hour(ctx context.Context, from int64) error {
	to := from + int64(time.Hour)
	r.o.Forwarder.rolledUpTo(to) // before reading: what is stored from now on is marked
	if err := r.roll(ctx, Raw, Hourly, nil, from, to); err != nil {
		return err
	}
	start, end := dayOf(from, r.o.Zone)
	if end > to {
		return nil
	}
	return r.roll(ctx, Hourly, Daily, nil, start, end)
}

// clean recomputes the windows that late readings touched.
func (r *Roller) clean(ctx context.Context) error {
	for {
		dirty, err := r.o.Journal.Dirty(ctx, 10_000)
		if err != nil || len(dirty) == 0 {
			return err
		}
		hours, days := map[int64][]int64{}, map[int64][]int64{}
		for _, w := range dirty {
			hours[w.Hour] = append(hours[w.Hour], w.Group)
			start, _ := dayOf(w.Hour, r.o.Zone)
			days[start] = append(days[start], w.Group)
		}
		for hour, groups := range hours {
			if err := r.roll(ctx, Raw, Hourly, groups, hour, hour+int64(time.Hour)); err != nil {
				return err
			}
		}
		for day, groups := range days {
			start, end := dayOf(day, r.o.Zone)
			if err := r.roll(ctx, Hourly, Daily, groups, start, end); err != nil {
				return err
			}
		}
		if err := r.o.Journal.Clean(ctx, dirty); err != nil {
			return err
		}
	}
}

// roll writes one line per group into a bucket, from the finer one. Of the
// groups that are named, those without readings lose their line.
func (r *Roller) roll(ctx context.Context, from, to Bucket, groups []int64, start, end int64) error {
	w := windowWriter{ctx: ctx, archive: r.o.Archive, bucket: to, time: start, seen: map[int64]bool{}}
	query := Query{Bucket: from, Groups: groups, From: start, To: end}
	err := r.o.Archive.Read(ctx, query, func(l *Line) error {
		if l.Group != w.group {
			if err := w.next(l.Group); err != nil {
				return err
			}
		}
		summarise(w.summaries, l, from)
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(w.next(0), w.flush()); err != nil {
		return err
	}
	for _, g := range groups {
		if !w.seen[g] {
			if err := r.o.Archive.Delete(ctx, to, g, start, start+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// windowWriter gathers one window, group by group.
type windowWriter struct {
	ctx       context.Context
	archive   Archive
	bucket    Bucket
	time      int64
	group     int64
	summaries map[string]*Summary
	lines     []Line
	seen      map[int64]bool
}

func (w *windowWriter) next(group int64) error {
	line := Line{Group: w.group, Time: w.time}
	for property, s := range w.summaries {
		line.Fields = s.fields(property, line.Fields)
	}
	w.group, w.summaries = group, map[string]*Summary{}
	w.seen[group] = true
	if len(line.Fields) == 0 {
		return nil
	}
	w.lines = append(w.lines, line)
	if len(w.lines) < 2_000 {
		return nil
	}
	return w.flush()
}

func (w *windowWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	err := w.archive.Write(w.ctx, w.bucket, w.lines)
	w.lines = w.lines[:0]
	return err
}

// dayOf gives the calendar day of an instant in a zone, half-open.
func dayOf(instant int64, zone *time.Location) (start, end int64) {
	t := time.Unix(0, instant).In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	return day.UnixNano(), day.AddDate(0, 0, 1).UnixNano()
}
