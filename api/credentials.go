package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices/credentials"
)

// CredentialBody asks for a new secret.
type CredentialBody struct {
	Overlap string `json:"overlap,omitempty" doc:"For how long the secret before stays valid, ISO 8601, at most P30D; PT24H when absent, PT0S for not at all" example:"PT24H"`
	Secret  string `json:"secret,omitempty" maxLength:"128" doc:"A random secret that is in the device already, 22 to 128 visible ASCII letters; made by the hub when absent"`
}

// Credential is a new secret; it is shown this once.
type Credential struct {
	Device   string     `json:"device" doc:"The device's code; its MQTT client id, and its user name over HTTP"`
	Username string     `json:"username" doc:"Its MQTT user name with this secret"`
	Secret   string     `json:"secret" doc:"Its password; it cannot be shown again"`
	OldUntil *time.Time `json:"oldUntil,omitempty" doc:"Until when the secret before is valid too"`
}

func (s *Server) credentials() {
	type rotate struct {
		ByID
		Body *CredentialBody
	}
	register(s, huma.Operation{OperationID: "rotate-credential", Method: http.MethodPost, Path: base + "/devices/{id}/credentials",
		Summary: "Give a device a new secret", Tags: []string{"devices"}, DefaultStatus: http.StatusCreated,
		Description: "The secret before stays valid for the overlap, so that the device can be changed over; the one before that does not.",
		Errors:      []int{http.StatusNotFound, http.StatusUnsupportedMediaType},
	}, access.CredentialManage, func(ctx context.Context, in *rotate) (*secretly[Credential], error) {
		return s.rotate(ctx, in.ID, orEmpty(in.Body))
	})
	register(s, huma.Operation{OperationID: "revoke-credential", Method: http.MethodDelete, Path: base + "/devices/{id}/credentials",
		Summary: "Shut a device out", Tags: []string{"devices"}, DefaultStatus: http.StatusNoContent,
		Description: "All its secrets end, its connections are closed, and what it sends on any way is refused until it gets a new secret.",
		Errors:      []int{http.StatusNotFound},
	}, access.CredentialManage, func(ctx context.Context, in *ByID) (*struct{}, error) {
		device, err := s.ownDevice(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &struct{}{}, s.o.Credentials.Revoke(ctx, &device)
	})
}

// orEmpty is for a body that may be left out.
func orEmpty[B any](body *B) *B {
	if body == nil {
		return new(B)
	}
	return body
}

func (s *Server) rotate(ctx context.Context, id int64, b *CredentialBody) (*secretly[Credential], error) {
	device, err := s.ownDevice(ctx, id)
	if err != nil {
		return nil, err
	}
	overlap := credentials.DefaultOverlap
	if b.Overlap != "" {
		if overlap, err = parseDuration("overlap", b.Overlap); err != nil {
			return nil, err
		}
	}
	issued, err := s.o.Credentials.Rotate(ctx, &device, overlap, b.Secret)
	if err != nil {
		return nil, err
	}
	return &secretly[Credential]{noStore, Credential{Device: issued.Device, Username: issued.Username,
		Secret: issued.Secret, OldUntil: instant(issued.OldUntil)}}, nil
}
