package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"cityhub/access"
	"cityhub/devices"
	"cityhub/devices/credentials"
	"cityhub/telemetry"
)

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Type        string            `json:"type" doc:"What kind of problem this is; stable, fit for a program" example:"/problems/not-found"`
	Title       string            `json:"title" doc:"The kind in words, in the language of Accept-Language (vi, en)"`
	Status      int               `json:"status"`
	Detail      string            `json:"detail,omitempty" doc:"What is wrong with this request and how to mend it"`
	Errors      []FieldProblem    `json:"errors,omitempty" doc:"The fields or parameters at fault"`
	Refused     []Refused         `json:"refused,omitempty" doc:"Of an ingest: what was refused"`
	Yours       any               `json:"yours,omitempty" doc:"With 412: what your request would have made of it"`
	Current     any               `json:"current,omitempty" doc:"With 412: what is there now"`
	CurrentTag  string            `json:"currentTag,omitempty" doc:"With 412: for If-Match, once you have looked at current"`
	Differ      []string          `json:"differ,omitempty" doc:"With 412: the fields in which yours and current differ"`
	Legal       []string          `json:"legal,omitempty" doc:"Of a refused move in a device's life: the moves that are possible now"`
	Differences []WiredDifference `json:"differences,omitempty" doc:"Of a refused replacement: what would not simply go on"`

	RequestID string `json:"requestId,omitempty" doc:"Name it when asking the operators; their log has it too"`

	after time.Duration // when to come again
	vi    string        // the detail in Vietnamese, where it is told so
	cause error         // what the log should say; never shown
}

// FieldProblem names one field or parameter at fault.
type FieldProblem struct {
	Field  string `json:"field" doc:"As the sender named it"`
	Detail string `json:"detail" doc:"What is wrong and how to mend it"`
}

// Error gives the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus gives the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes it problem+json.
func (p *Problem) ContentType(string) string { return problemJSON }

// GetHeaders tells when to come again, where that is known.
func (p *Problem) GetHeaders() http.Header {
	if p.after == 0 {
		return nil
	}
	return http.Header{"Retry-After": {retryAfter(p.after)}}
}

const problemJSON = "application/problem+json"

func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

// problem makes one of the kind that a status stands for.
func problem(status int, detail string, fields ...FieldProblem) *Problem {
	return &Problem{Type: "/problems/" + slug(status), Status: status, Detail: detail, Errors: fields}
}

// badParameter refuses a part of the request line.
func badParameter(name, detail string) *Problem {
	return problem(http.StatusBadRequest, name+": "+detail, FieldProblem{name, detail})
}

// problemOf turns any error into what the caller may know of it: the one
// table from the rooms' kinds of error to HTTP.
func problemOf(err error) *Problem {
	var known *Problem
	var edge *fiber.Error
	var field *devices.FieldError
	var account *access.Refusal
	var refusal *telemetry.Refusal
	var archive *telemetry.ArchiveError
	var transition *devices.TransitionError
	var differences *devices.DifferencesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &edge):
		return edgeProblem(edge)
	case errors.As(err, &transition):
		return transitionProblem(transition)
	case errors.As(err, &differences):
		return differencesProblem(differences)
	case errors.As(err, &field):
		name := wireName(field.Field)
		return problem(statusOf(field.Kind), name+": "+field.Detail, FieldProblem{name, field.Detail})
	case errors.As(err, &account):
		return accountProblem(account)
	case errors.As(err, &refusal):
		return problem(http.StatusUnprocessableEntity, refusal.Error())
	case errors.As(err, &archive):
		p := problem(http.StatusServiceUnavailable, "the archive does not answer; the newest values and the alarms go on")
		p.after, p.cause = max(archive.After, 5*time.Second), err
		return p
	}
	p := problem(statusOf(err), err.Error())
	p.cause = err
	switch p.Status {
	case http.StatusInternalServerError:
		p.Detail = "the hub failed to answer this; its log tells why under the request's id"
	case http.StatusServiceUnavailable:
		p.Detail, p.after = "the hub did not get to it in time; try again", 5*time.Second
	}
	return p
}

// statusOf is the status of a kind of error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, devices.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, credentials.ErrRefused):
		return http.StatusUnauthorized
	case errors.Is(err, devices.ErrForbidden):
		return http.StatusForbidden
	case errors.Is(err, devices.ErrInvalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, telemetry.ErrClosed), errors.Is(err, telemetry.ErrNotKept), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// accountProblem is for what the accounts refuse.
func accountProblem(r *access.Refusal) *Problem {
	p := problem(map[error]int{access.ErrNotFound: http.StatusNotFound, access.ErrForbidden: http.StatusForbidden,
		access.ErrConflict: http.StatusConflict, access.ErrInvalid: http.StatusUnprocessableEntity,
		access.ErrCredentials: http.StatusUnauthorized, access.ErrSlowDown: http.StatusTooManyRequests}[r.Kind], r.Error())
	if r.Field != "" {
		p.Errors = []FieldProblem{{r.Field, r.Detail}}
	}
	p.after = r.After
	return p
}

// edgeProblem is for what Fiber refuses before any resource is asked.
func edgeProblem(err *fiber.Error) *Problem {
	detail := map[int]string{
		http.StatusNotFound:                     "nothing is at this address; " + openAPIPath + " lists what there is",
		http.StatusMethodNotAllowed:             "the address does not take this method; the Allow header names those it takes",
		http.StatusRequestEntityTooLarge:        "the body is above the limit: 1 MiB, 10 MiB for a photo, 32 MiB for an import; send less, or in parts",
		http.StatusRequestTimeout:               "the request did not arrive in time; send it again",
		fiber.StatusRequestHeaderFieldsTooLarge: "request line and header are above 8 KiB; shorten them",
	}[err.Code]
	if detail == "" {
		detail = err.Message
	}
	return problem(err.Code, detail)
}

// wireName is a store's column name as the API writes it: dev_eui → devEui,
// thing_id → thing.
func wireName(column string) string {
	switch column {
	case "sensor_id":
		return "model"
	case "client_id":
		return "clientId"
	}
	words := strings.Split(strings.TrimSuffix(column, "_id"), "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// humaProblem turns what huma refuses into a Problem: 400 for the request
// line, 415 and 400 for an unreadable body, 422 for one that says wrong things.
func humaProblem(status int, message string, errs ...error) huma.StatusError {
	p := problem(status, message)
	for _, err := range errs {
		var detailed huma.ErrorDetailer
		if !errors.As(err, &detailed) {
			if err != nil {
				p.Errors = append(p.Errors, FieldProblem{Detail: err.Error()})
			}
			continue
		}
		d := detailed.ErrorDetail()
		place, name, _ := strings.Cut(d.Location, ".")
		if place != "body" && status == http.StatusUnprocessableEntity {
			p.Status, p.Type = http.StatusBadRequest, "/problems/"+slug(http.StatusBadRequest)
		}
		if name == "" {
			name = d.Location
		}
		p.Errors = append(p.Errors, FieldProblem{name, d.Message})
	}
	if len(p.Errors) > 0 && p.Errors[0].Detail != "" {
		p.Detail = strings.TrimPrefix(p.Errors[0].Field+": "+p.Errors[0].Detail, ": ")
	}
	return p
}

// huma knows no other place for its maker of errors than these variables. Both
// are set before anything can run, and to the same for everybody.
func init() {
	huma.NewError = humaProblem
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, errs ...error) huma.StatusError {
		return humaProblem(status, message, errs...)
	}
}
