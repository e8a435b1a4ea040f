package api

import (
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cityhub/access"
	"cityhub/devices"
)

// VisitPhoto is a picture taken on a visit.
type VisitPhoto struct {
	ID        int64     `json:"id"`
	ClientID  string    `json:"clientId,omitempty"`
	Time      time.Time `json:"time"`
	Author    string    `json:"author"`
	Caption   string    `json:"caption,omitempty"`
	MediaType string    `json:"mediaType" enum:"image/jpeg,image/png,image/webp"`
	Bytes     int64     `json:"bytes"`
	Width     int       `json:"width" doc:"Pixels"`
	Height    int       `json:"height" doc:"Pixels"`
	Stripped  bool      `json:"positionStripped" doc:"Whatever could tell where it was taken was left out"`
	Href      string    `json:"href" doc:"Where its bytes are"`
}

type photoInput struct {
	ByID
	RawBody multipart.Form
}

// PhotoID is the parameter of a call on one photo.
type PhotoID struct {
	ByID
	Photo int64 `path:"photo" minimum:"1"`
}

type photoOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Cache       string `header:"Cache-Control"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}

func (s *Server) visitPhotos() {
	tags := []string{"visits"}
	register(s, huma.Operation{OperationID: "add-visit-photo", Method: http.MethodPost, Path: base + "/visits/{id}/photos",
		Summary: "Add a photo", Tags: tags, DefaultStatus: http.StatusCreated, Middlewares: huma.Middlewares{s.wantForm},
		Description: "multipart/form-data: file, a JPEG, PNG or WebP of at most 10 MiB; and optionally clientId (a ULID that the client made: sent again, it answers the same photo), time, caption, and stripPosition: true, which is the default, leaves out whatever could tell where the picture was taken, and no pixel changes.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
	}, access.VisitManage, s.addPhoto)
	register(s, huma.Operation{OperationID: "get-visit-photo", Method: http.MethodGet, Path: base + "/visits/{id}/photos/{photo}",
		Summary: "The bytes of a photo", Tags: tags, Middlewares: huma.Middlewares{tag}, Errors: []int{http.StatusNotFound},
	}, access.VisitRead, func(ctx context.Context, in *PhotoID) (*photoOutput, error) {
		p, body, err := s.o.Registry.Photo(ctx, in.ID, in.Photo)
		if err != nil {
			return nil, err
		}
		_, ending, _ := strings.Cut(p.File, ".")
		return &photoOutput{ContentType: p.MediaType, Body: body, Policy: "default-src 'none'; sandbox",
			Disposition: fmt.Sprintf(`attachment; filename="visit-%d-photo-%d.%s"`, p.VisitID, p.ID, ending),
			Cache:       "private, max-age=31536000, immutable"}, nil
	})
	register(s, huma.Operation{OperationID: "delete-visit-photo", Method: http.MethodDelete, Path: base + "/visits/{id}/photos/{photo}",
		Summary: "Delete a photo", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, access.VisitManage, func(ctx context.Context, in *PhotoID) (*struct{}, error) {
		return &struct{}{}, s.o.Registry.RemovePhoto(ctx, in.ID, in.Photo)
	})
}

func (s *Server) addPhoto(ctx context.Context, in *photoInput) (*written[VisitPhoto], error) {
	files := in.RawBody.File["file"]
	if len(files) != 1 {
		return nil, formProblem("file", "must be given once")
	}
	p := devices.VisitPhoto{VisitID: in.ID}
	strip, err := photoFields(in.RawBody.Value, &p)
	if err != nil {
		return nil, err
	}
	body, err := readFile(files[0])
	if err != nil {
		return nil, err
	}
	if err := s.o.Registry.AddPhoto(ctx, &p, body, strip); err != nil {
		return nil, err
	}
	out := showPhoto(&p)
	return &written[VisitPhoto]{out.Href, out}, nil
}

// photoFields reads the form's other fields, and whether the position goes.
func photoFields(form map[string][]string, p *devices.VisitPhoto) (strip bool, err error) {
	strip = true
	for name, values := range form {
		value := values[0]
		switch {
		case len(values) > 1:
			return strip, formProblem(name, "is given more than once")
		case name == "clientId":
			p.ClientID = value
		case name == "caption":
			p.Caption = value
		case name == "time":
			if p.Time, err = time.Parse(time.RFC3339, value); err != nil {
				return strip, formProblem(name, fmt.Sprintf("%q is not an RFC 3339 instant such as 2025-07-01T00:00:00+07:00", value))
			}
		case name == "stripPosition" && (value == "true" || value == "false"):
			strip = value == "true"
		case name == "stripPosition":
			return strip, formProblem(name, "must be true or false")
		default:
			return strip, formProblem(name, "is not known; the known ones are: file, clientId, time, caption, stripPosition")
		}
	}
	return strip, nil
}

func showPhoto(p *devices.VisitPhoto) VisitPhoto {
	return VisitPhoto{ID: p.ID, ClientID: p.ClientID, Time: p.Time.UTC(), Author: p.Author, Caption: p.Caption,
		MediaType: p.MediaType, Bytes: p.Bytes, Width: p.Width, Height: p.Height, Stripped: p.Stripped,
		Href: fmt.Sprintf("%s/visits/%d/photos/%d", base, p.VisitID, p.ID)}
}
