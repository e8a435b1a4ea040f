package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"cityhub/telemetry"
)

// failure tells what a call to a bucket came to. Only the lines themselves can
// be refused for good; all else an operator or time can mend.
func (a *Archive) failure(ctx context.Context, bucket string, err *influxhttp.Error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err.StatusCode == 0:
		return a.unreachable(err)
	}
	cause := fmt.Errorf("InfluxDB answers %d for bucket %q: %s", err.StatusCode, bucket, messageOf(err))
	switch err.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &telemetry.ArchiveError{Err: cause}
	case http.StatusUnauthorized:
		cause = fmt.Errorf("%w; the token is unknown there: set influx token anew", cause)
	case http.StatusForbidden:
		cause = fmt.Errorf("%w; let the token read and write the buckets %s", cause, strings.Join(a.buckets[:], ", "))
	case http.StatusNotFound:
		a.ready.Store(false) // the bucket may have been removed: create it again
		cause = fmt.Errorf("%w; check influx url, influx org %q and that the bucket exists", cause, a.opts.Org)
	}
	return &telemetry.ArchiveError{Retryable: true, After: time.Duration(err.RetryAfter) * time.Second, Err: cause}
}

func messageOf(err *influxhttp.Error) string {
	const enough = 500
	text := err.Error()
	if len(text) > enough {
		text = text[:enough] + "…"
	}
	return text
}

func (a *Archive) unreachable(err error) error {
	return &telemetry.ArchiveError{Retryable: true,
		Err: fmt.Errorf("InfluxDB at %s does not answer: check influx url and that the server runs: %w", a.apiURL, err)}
}

// interrupted tells what a broken answer came to.
func (a *Archive) interrupted(ctx context.Context, err error) error {
	var known *telemetry.ArchiveError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return err
	}
	return &telemetry.ArchiveError{Retryable: true, Err: fmt.Errorf("InfluxDB's answer broke off: %w", err)}
}
