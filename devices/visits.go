package devices

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"cityhub/access"
)

// Visit is field work at a thing. While it is open, the thing's readings are
// under maintenance.
type Visit struct {
	ID       int64
	ClientID string // ULID that its client made, unique; "" when it made none
	ThingID  int64
	Opened   time.Time
	OpenedBy string
	Reason   string
	Closed   time.Time // zero while it is open
	ClosedBy string
	Outcome  string
}

// VisitNote is what somebody wrote down during, or after, a visit.
type VisitNote struct {
	ID       int64
	ClientID string // as Visit.ClientID
	VisitID  int64
	Time     time.Time
	Author   string
	Text     string
}

// VisitPhoto is a picture taken on a visit; its bytes are a PhotoStore's.
type VisitPhoto struct {
	ID       int64
	ClientID string // as Visit.ClientID
	VisitID  int64
	Time     time.Time
	Author   string
	Caption  string
	PhotoFile
}

// The bounds of what a visit holds.
const (
	maxCaption    = 2_000 // characters, of a reason as well
	maxText       = 10_000
	maxNotes      = 1_000 // of one visit
	maxPhotos     = 200
	visitAhead    = 10 * time.Minute // of the hub's clock: phones are not exact
	ulidLength    = 26
	ulidLetters   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	earliestVisit = 2000 // year
)

// checkVisit notes who opens and who closes, and since when.
func checkVisit(ctx context.Context, w *work, v, old *Visit) error {
	who := access.PrincipalOf(ctx).Name
	if old == nil {
		if _, err := w.Things.Get(ctx, v.ThingID); err != nil {
			return fmt.Errorf("thing: %w", err)
		}
		v.OpenedBy = who
	} else if v.ThingID != old.ThingID {
		return invalid("thing_id", "a visit stays at its thing; open another")
	}
	if !v.Closed.IsZero() && (old == nil || old.Closed.IsZero()) {
		v.ClosedBy = who
	}
	if err := w.instant("opened", &v.Opened); err != nil {
		return err
	}
	if v.Closed.IsZero() {
		v.ClosedBy, v.Outcome = "", ""
	} else if err := w.instant("closed", &v.Closed); err != nil {
		return err
	}
	if !v.Closed.IsZero() && v.Closed.Before(v.Opened) {
		return invalid("closed", fmt.Sprintf("must not be before the visit was opened, %s", v.Opened.UTC().Format(time.RFC3339)))
	}
	if err := checkText("reason", v.Reason, maxCaption); err != nil {
		return err
	}
	if err := checkText("outcome", v.Outcome, maxText); err != nil {
		return err
	}
	return checkULID(&v.ClientID)
}

func checkNote(ctx context.Context, w *work, n, old *VisitNote) error {
	if old != nil {
		return invalid("note", "notes stay as they were written; add another")
	}
	if strings.TrimSpace(n.Text) == "" {
		return invalid("text", "must be given")
	}
	n.Author = access.PrincipalOf(ctx).Name
	if err := w.instant("time", &n.Time); err != nil {
		return err
	}
	if err := checkText("text", n.Text, maxText); err != nil {
		return err
	}
	if err := room(ctx, w, w.VisitNotes, n.VisitID, "notes", maxNotes); err != nil {
		return err
	}
	return checkULID(&n.ClientID)
}

func checkPhoto(ctx context.Context, w *work, p, old *VisitPhoto) error {
	if old != nil {
		return invalid("photo", "photos stay as they are; take another")
	}
	p.Author = access.PrincipalOf(ctx).Name
	if err := w.instant("time", &p.Time); err != nil {
		return err
	}
	if err := checkText("caption", p.Caption, maxCaption); err != nil {
		return err
	}
	if err := room(ctx, w, w.VisitPhotos, p.VisitID, "photos", maxPhotos); err != nil {
		return err
	}
	return checkULID(&p.ClientID)
}

// room refuses one more of what a visit has enough of.
func room[T any](ctx context.Context, w *work, table Table[T], visit int64, what string, most int) error {
	if _, err := w.Visits.Get(ctx, visit); err != nil {
		return err
	}
	have, err := table.List(ctx, Page{Limit: most, Match: map[string]any{"visit_id": visit}})
	if err != nil || len(have) < most {
		return err
	}
	return &FieldError{Field: what, Kind: ErrConflict, Detail: fmt.Sprintf("a visit holds at most %d; open another visit", most)}
}

// instant makes a missing instant now, and refuses one that cannot be meant.
func (w *work) instant(field string, t *time.Time) error {
	now := w.registry.now()
	switch {
	case t.IsZero():
		*t = now
	case t.After(now.Add(visitAhead)):
		return invalid(field, fmt.Sprintf("%s is in the future; set the client's clock", t.UTC().Format(time.RFC3339)))
	case t.Year() < earliestVisit:
		return invalid(field, fmt.Sprintf("must not be before %d", earliestVisit))
	}
	return nil
}

func checkText(field, text string, most int) error {
	if utf8.RuneCountInString(text) > most {
		return invalid(field, fmt.Sprintf("must have at most %d characters", most))
	}
	return nil
}

// checkULID takes a client's id in either case, and keeps it in upper case.
func checkULID(id *string) error {
	if *id == "" {
		return nil
	}
	*id = strings.ToUpper(*id)
	if len(*id) != ulidLength || (*id)[0] > '7' || strings.Trim(*id, ulidLetters) != "" {
		return invalid("client_id", "must be a ULID: 26 of 0-9 and A-Z without I, L, O and U, and at most 7 in front")
	}
	return nil
}

// A visit, its notes and its photos belong to whom the thing belongs.
func ownersOfVisit(ctx context.Context, w *work, v *Visit) ([]int64, error) {
	return ownersOfThing(ctx, w, v.ThingID)
}

func ownersOfNote(ctx context.Context, w *work, n *VisitNote) ([]int64, error) {
	return ownersWithin(ctx, w, n.VisitID)
}

func ownersOfPhoto(ctx context.Context, w *work, p *VisitPhoto) ([]int64, error) {
	return ownersWithin(ctx, w, p.VisitID)
}

func ownersWithin(ctx context.Context, w *work, visit int64) ([]int64, error) {
	v, err := w.Visits.Get(ctx, visit)
	if err != nil {
		return nil, err
	}
	return ownersOfVisit(ctx, w, &v)
}

func visitID(v *Visit) *int64      { return &v.ID }
func noteID(n *VisitNote) *int64   { return &n.ID }
func photoID(p *VisitPhoto) *int64 { return &p.ID }
