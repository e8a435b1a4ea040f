package access

import (
	"context"
	"slices"
)

// Scope is what an action of a principal may touch. The zero Scope touches
// nothing.
type Scope struct {
	Action    Action
	All       bool
	Limited   bool    // of All: only what an installation sets may be written
	Own       []int64 // organisations, ascending; 0 is never among them
	Install   []int64 // of Own: only what an installation sets may be written
	Grants    []Grant // of other organisations, for reading only
	Public    bool    // what is published
	Internal  bool    // what is published within the city's organisations
	Principal *Principal
}

// Scope tells what a principal may touch with an action; false when nothing
// at all, whatever it belongs to.
func (p *Principal) Scope(a Action) (Scope, bool) {
	s := Scope{Action: a, Principal: p}
	allowed := false
	for _, b := range p.Bindings {
		reach := ReachOf(a, b.Role)
		if reach == Denied {
			continue
		}
		allowed = true
		switch {
		case reach == All, reach == Own && b.Organisation == 0:
			s.All, s.Limited = true, false
		case reach == Install && b.Organisation == 0:
			s.Limited = s.Limited || !s.All
			s.All = true
		case reach == Own, reach == Install:
			s.add(b.Organisation, reach)
		case reach == Published:
			s.Public = true
		}
	}
	if reading(a) && (len(s.Own) > 0 || s.All) {
		s.Public, s.Internal = true, true
		for _, g := range p.Grants { // none by a binding that does not read
			if s.Owns(g.Reader) {
				s.Grants = append(s.Grants, g)
			}
		}
	}
	return s, allowed
}

// reading says whether what others publish or grant counts for an action.
func reading(a Action) bool { return a == ThingRead || a == ReadingRead || a == ReadingExport }

// add lets the scope touch an organisation. Where somebody is both an
// administrator and a technician, the wider right counts.
func (s *Scope) add(organisation int64, reach Reach) {
	at, had := slices.BinarySearch(s.Own, organisation)
	if !had {
		s.Own = slices.Insert(s.Own, at, organisation)
	}
	limited, at := slices.Contains(s.Install, organisation), slices.Index(s.Install, organisation)
	switch {
	case reach == Install && !had:
		s.Install = append(s.Install, organisation)
	case reach == Own && limited:
		s.Install = slices.Delete(s.Install, at, at+1)
	}
}

// Owns says whether what belongs to an organisation is the principal's own.
func (s *Scope) Owns(organisation int64) bool {
	if s.All {
		return true
	}
	_, ok := slices.BinarySearch(s.Own, organisation)
	return ok
}

// InstallOnly says whether of an organisation's things and devices only what
// an installation sets may be written.
func (s *Scope) InstallOnly(organisation int64) bool {
	if s.All {
		return s.Limited
	}
	return slices.Contains(s.Install, organisation)
}

// Publication is how far the readings of a datastream may be seen.
type Publication string

// The publications.
const (
	Private  Publication = "private"  // by its organisation and those it granted
	Internal Publication = "internal" // by every organisation's people
	Open     Publication = "public"   // by everybody
)

// Reads says whether the readings of one property of a thing, of an
// organisation, published so far, may be seen.
func (s *Scope) Reads(organisation, thing int64, property string, published Publication) bool {
	switch {
	case s.Owns(organisation), s.Public && published == Open, s.Internal && published == Internal:
		return true
	}
	for i := range s.Grants {
		g := &s.Grants[i]
		if g.Owner == organisation && (g.Thing == 0 || g.Thing == thing) && (g.Property == "" || g.Property == property) {
			return true
		}
	}
	return false
}

type scopeKey struct{}

// WithScope notes what may be touched.
func WithScope(ctx context.Context, s *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// ScopeOf tells what may be touched. A context without a scope is the hub's
// own work, which touches everything; the API gives every request one.
func ScopeOf(ctx context.Context) *Scope {
	if s, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return s
	}
	return &Scope{All: true}
}
