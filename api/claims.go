package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/credentials"
)

// ClaimBody says who claims a device.
type ClaimBody struct {
	Code         string   `json:"code" maxLength:"64" doc:"The claim code; letter case, blanks and dashes do not matter" example:"AC3F-K9MN-WX4T-Y7PR"`
	Organisation Ref      `json:"organisation,omitempty" doc:"Code or id of the organisation that takes the device; may be left out by those who belong to one"`
	Position     Position `json:"position,omitempty" doc:"Where it is claimed"`
}

// LabelClaimBody is a claim by what is printed on the device.
type LabelClaimBody struct {
	Serial string `json:"serial" minLength:"1" maxLength:"200" doc:"Serial number or device code, as on the label"`
	ClaimBody
}

// ClaimCodeBody asks for a claim code.
type ClaimCodeBody struct {
	ValidFor string `json:"validFor,omitempty" doc:"ISO 8601, at most PT72H, which is the default" example:"PT24H"`
}

// ClaimCode is a new claim code; it is shown this once.
type ClaimCode struct {
	Code    string    `json:"code"`
	Expires time.Time `json:"expires"`
}

// secretly is an answer that nobody between may keep.
type secretly[W any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         W
}

func (s *Server) claiming() {
	type byID struct {
		ByID
		Body ClaimBody
	}
	register(s, huma.Operation{OperationID: "claim-device", Method: http.MethodPost, Path: base + "/devices/{id}/claim",
		Summary: "Claim a device in stock with its code", Tags: []string{"devices"}, Errors: claimErrors,
		Description: "Every claim that fails answers 404, whatever is wrong with it. A code is valid once, for at most 72 hours and five tries.",
	}, access.DeviceClaim, func(ctx context.Context, in *byID) (*shown[Device], error) {
		return s.claim(ctx, credentials.Wish{DeviceID: in.ID}, &in.Body)
	})
	type byLabel struct{ Body LabelClaimBody }
	register(s, huma.Operation{OperationID: "claim-by-label", Method: http.MethodPost, Path: base + "/claims",
		Summary: "Claim a device by what is on its label", Tags: []string{"devices"}, Errors: claimErrors,
		Description: "As claim-device, for who knows serial number and code only.",
	}, access.DeviceClaim, func(ctx context.Context, in *byLabel) (*shown[Device], error) {
		return s.claim(ctx, credentials.Wish{Label: in.Body.Serial}, &in.Body.ClaimBody)
	})
	type make struct {
		ByID
		Body *ClaimCodeBody
	}
	register(s, huma.Operation{OperationID: "make-claim-code", Method: http.MethodPost, Path: base + "/devices/{id}/claim-codes",
		Summary: "Make a device's claim code", Tags: []string{"devices"}, DefaultStatus: http.StatusCreated,
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType},
		Description: "The code is shown this once, and takes the place of the device's code before.",
	}, access.DeviceHandOver, func(ctx context.Context, in *make) (*secretly[ClaimCode], error) {
		return s.makeClaimCode(ctx, in.ID, orEmpty(in.Body).ValidFor)
	})
}

var claimErrors = []int{http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType, http.StatusTooManyRequests}

func (s *Server) claim(ctx context.Context, w credentials.Wish, b *ClaimBody) (*shown[Device], error) {
	var err error
	if w.Position, err = b.Position.geo(); err != nil {
		return nil, err
	}
	if w.Organisation, err = s.claimant(ctx, b.Organisation); err != nil {
		return nil, err
	}
	w.Code = b.Code
	device, err := s.o.Claims.Claim(ctx, w)
	var many *credentials.TooManyGuesses
	switch {
	case errors.As(err, &many):
		p := problem(http.StatusTooManyRequests, many.Error())
		p.after = many.After
		return nil, p
	case err != nil:
		return nil, err
	}
	body, err := s.showDevice(ctx, s.view(), &device, true)
	return &shown[Device]{body}, err
}

// claimant is the organisation that a device is claimed for: one that the
// principal may claim for, or its only one.
func (s *Server) claimant(ctx context.Context, ref Ref) (int64, error) {
	scope := access.ScopeOf(ctx)
	if ref == "" && !scope.All && len(scope.Own) == 1 {
		return scope.Own[0], nil
	}
	if ref == "" {
		return 0, &devices.FieldError{Field: "organisation", Kind: devices.ErrInvalid, Detail: "must be given: which organisation takes the device?"}
	}
	id, err := idOf(ctx, s.o.Registry.Organisations, "organisation", ref, organisationID)
	if err == nil && !scope.Owns(id) {
		err = &devices.FieldError{Field: "organisation", Kind: devices.ErrInvalid,
			Detail: fmt.Sprintf("nothing of yours has the code or id %q", string(ref))}
	}
	return id, err
}

func (s *Server) makeClaimCode(ctx context.Context, id int64, validFor string) (*secretly[ClaimCode], error) {
	device, err := s.ownDevice(ctx, id)
	if err != nil {
		return nil, err
	}
	life, err := parseDuration("validFor", validFor)
	if err != nil {
		return nil, err
	}
	code, expires, err := s.o.Claims.Make(ctx, &device, life)
	if err != nil {
		return nil, err
	}
	return &secretly[ClaimCode]{noStore, ClaimCode{code, expires.UTC()}}, nil
}

const noStore = "no-store"

// ownDevice gives a device that the context's scope owns, or that the
// principal is. What others own answers as if it did not exist.
func (s *Server) ownDevice(ctx context.Context, id int64) (devices.Device, error) {
	scope := access.ScopeOf(ctx)
	if p := access.PrincipalOf(ctx); p.Kind == access.DeviceKind && p.ID == id {
		scope = &access.Scope{All: true}
	}
	device, err := s.o.Registry.Devices.Get(access.WithScope(ctx, &access.Scope{All: true}), id)
	if err == nil && !scope.Owns(device.OrganisationID) {
		err = fmt.Errorf("device %d: %w", id, devices.ErrNotFound)
	}
	if err != nil {
		return devices.Device{}, err
	}
	return device, nil
}
