package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client speaks to a running hub through its public API.
type client struct {
	Hub string `help:"Address of the running hub." default:"http://127.0.0.1:8080"`
	Key string `help:"API key; better as CITYHUB_KEY or CITYHUB_KEY_FILE."`

	speaks string // language wanted of the answers; "" for the hub's own
}

// problem is an error answer of the API.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Field    string `json:"field"`
		Message  string `json:"message"`
		Detail   string `json:"detail"`
	} `json:"errors"`
}

func (p problem) String() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	for _, e := range p.Errors {
		text += fmt.Sprintf("\n  %s: %s", e.Field+e.Location, e.Message+e.Detail)
	}
	return text
}

// patience is how long an answer may take.
const patience = 2 * time.Minute

// call sends a request and reads the JSON answer into result, unless it is nil.
func (c *client) call(ctx context.Context, method, path, contentType string, body io.Reader, result any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := c.send(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		var p problem
		_ = json.NewDecoder(answer.Body).Decode(&p) // the status alone tells enough when the body is not a problem
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, p)
	}
	if result == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(result)
}

// send sends a request with what says who asks.
func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Hub, "/")+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.speaks != "" {
		request.Header.Set("Accept-Language", c.speaks)
	}
	if c.Key != "" {
		request.Header.Set("Authorization", "Bearer "+c.Key)
	}
	answer, err := http.DefaultClient.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("the hub at %s has not answered within %v: it may still be at work; look at /api/v1/status, and ask again", c.Hub, patience)
	}
	if err != nil {
		return nil, fmt.Errorf("no hub answers at %s: %w; start one with cityhub serve or name it with --hub", c.Hub, err)
	}
	return answer, nil
}
