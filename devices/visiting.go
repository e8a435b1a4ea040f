package devices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cityhub/access"
)

// PhotoFile is what a store says of a picture's bytes.
type PhotoFile struct {
	File          string // the store's own name for it
	MediaType     string // image/jpeg, image/png or image/webp
	Bytes         int64
	Width, Height int  // pixels
	Stripped      bool // everything that could tell a position was taken out
}

// PhotoStore keeps pictures durably. Keep answers ErrInvalid for what is no
// picture of a kind that it takes; with strip it leaves out what could tell
// where the picture was taken, and touches no pixel. Read answers ErrNotFound.
type PhotoStore interface {
	Keep(body []byte, strip bool) (PhotoFile, error)
	Read(file string) ([]byte, error)
	Remove(file string) error
}

// KeepPhotos says where photos are kept; it is called before the registry is
// used.
func (r *Registry) KeepPhotos(store PhotoStore) { r.photos = store }

// OpenVisit keeps a new visit; one whose ClientID is known already is that one.
func (r *Registry) OpenVisit(ctx context.Context, v *Visit) error {
	want := *v
	return r.Visits.createOnce(ctx, v, &v.ClientID, func(old *Visit) bool { return old.ThingID == want.ThingID })
}

// CloseVisit ends a visit at an instant, now when that is zero. Closing again
// with the same outcome changes nothing; with another it is an ErrConflict.
func (r *Registry) CloseVisit(ctx context.Context, id int64, closed time.Time, outcome string) (Visit, error) {
	var done *Visit
	v, err := r.Visits.Update(ctx, id, func(v *Visit) error {
		if !v.Closed.IsZero() {
			if v.Outcome != outcome || (!closed.IsZero() && !closed.Equal(v.Closed)) {
				return &FieldError{Field: "closed", Kind: ErrConflict, Detail: fmt.Sprintf(
					"the visit was closed by %s at %s with another outcome; edit that instead", v.ClosedBy, v.Closed.UTC().Format(time.RFC3339))}
			}
			kept := *v
			done = &kept
			return errUnchanged
		}
		v.Closed, v.Outcome = closed, outcome
		if closed.IsZero() {
			v.Closed = r.now()
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return *done, nil
	}
	return v, err
}

// errUnchanged ends a change that would change nothing.
var errUnchanged = errors.New("unchanged")

// AddNote keeps a new note; one whose ClientID is known already is that one.
func (r *Registry) AddNote(ctx context.Context, n *VisitNote) error {
	if _, err := r.Visits.Get(ctx, n.VisitID); err != nil {
		return err
	}
	want := *n
	return r.VisitNotes.createOnce(ctx, n, &n.ClientID, func(old *VisitNote) bool {
		return old.VisitID == want.VisitID && old.Text == want.Text
	})
}

// AddPhoto keeps a picture with its bytes; one whose ClientID is known already
// is that one. strip takes out what could tell where it was taken.
func (r *Registry) AddPhoto(ctx context.Context, p *VisitPhoto, body []byte, strip bool) error {
	if r.photos == nil {
		return errors.New("photos: this hub has no place for them")
	}
	if _, err := r.Visits.Get(ctx, p.VisitID); err != nil {
		return err // before anything is written
	}
	file, err := r.photos.Keep(body, strip)
	if err != nil {
		return err
	}
	p.PhotoFile = file
	visit := p.VisitID
	err = r.VisitPhotos.createOnce(ctx, p, &p.ClientID, func(old *VisitPhoto) bool { return old.VisitID == visit })
	if err != nil || p.File != file.File {
		return errors.Join(err, r.photos.Remove(file.File)) // the row is another's, or there is none
	}
	return nil
}

// Photo gives a picture of a visit and its bytes.
func (r *Registry) Photo(ctx context.Context, visit, id int64) (VisitPhoto, []byte, error) {
	p, err := r.photoOf(ctx, visit, id)
	if err != nil {
		return p, nil, err
	}
	body, err := r.photos.Read(p.File)
	return p, body, err
}

func (r *Registry) photoOf(ctx context.Context, visit, id int64) (VisitPhoto, error) {
	p, err := r.VisitPhotos.Get(ctx, id)
	if err == nil && (p.VisitID != visit || r.photos == nil) {
		err = fmt.Errorf("photo %d: %w", id, ErrNotFound)
	}
	return p, err
}

// RemovePhoto removes a picture and its bytes.
func (r *Registry) RemovePhoto(ctx context.Context, visit, id int64) error {
	p, err := r.photoOf(ctx, visit, id)
	if err != nil {
		return err
	}
	if err := r.VisitPhotos.Delete(ctx, id); err != nil {
		return err
	}
	return r.photos.Remove(p.File)
}

// createOnce keeps a new entity unless one with its client id is there, which
// entity then becomes. same says whether that one is what is meant.
func (n *Nouns[T]) createOnce(ctx context.Context, entity *T, clientID *string, same func(old *T) bool) error {
	if err := checkULID(clientID); err != nil {
		return err
	}
	*n.id(entity) = 0
	return n.registry.change(ctx, func(ctx context.Context, w *work) error {
		if *clientID == "" {
			return n.put(ctx, w, entity, nil)
		}
		old, found, err := first(ctx, n.table(w.Tables), map[string]any{"client_id": *clientID})
		switch {
		case err != nil:
			return err
		case !found:
			return n.put(ctx, w, entity, nil)
		}
		_, err = n.mine(ctx, w, access.ScopeOf(ctx), &old)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case err != nil, !same(&old):
			return &FieldError{Field: "client_id", Kind: ErrConflict, Detail: "is in use for something else; make a new ULID"}
		}
		*entity = old
		return nil
	})
}
