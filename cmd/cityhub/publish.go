package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// publishCommand opens readings to others, or takes them back.
type publishCommand struct {
	client
	Organisation string `help:"Only of this organisation's things: its code."`
	Thing        string `help:"Only of this thing: its code."`
	Property     string `help:"Only of this property: its code."`
	As           string `help:"Who may see the readings: nobody else, every organisation's people, everybody." enum:"private,internal,public" default:"public"`
}

// Run publishes.
func (p *publishCommand) Run(ctx context.Context, c *console) error {
	body := map[string]string{"publication": p.As}
	for name, value := range map[string]string{"organisation": p.Organisation, "thing": p.Thing, "property": p.Property} {
		if value != "" {
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var result struct{ Changed int }
	if err := p.call(ctx, "POST", "/publications", "application/json", bytes.NewReader(text), &result); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d datastreams are %s now\n", result.Changed, p.As)
	return err
}
