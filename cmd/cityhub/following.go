package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	askEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	hubAway   = 2 * time.Minute // that a hub may be away before its import is left alone
)

// follow waits for the import's end: with a bar on a terminal, with a line now
// and then elsewhere. A hub that is started anew goes on with the import, so
// it may be away for a while.
func (i *importing) follow(ctx context.Context) error {
	p := newProgress(i.err, i.job.Total)
	var away time.Time
	for i.job.State != "done" && i.job.State != "failed" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the import goes on in the hub; see GET /api/v1/imports/%s", i.job.ID)
		case <-time.After(askEvery):
		}
		err := i.call(ctx, "GET", "/imports/"+i.job.ID+"?rows=none", "", nil, &i.job)
		switch {
		case err == nil:
			away = time.Time{}
		case away.IsZero():
			away = time.Now()
		case time.Since(away) > hubAway:
			return fmt.Errorf("%w; the import goes on when the hub is back: GET /api/v1/imports/%s", err, i.job.ID)
		}
		if err := p.show(i.job.Done); err != nil {
			return err
		}
	}
	return p.end()
}

// progress shows how far something is.
type progress struct {
	to    io.Writer
	bar   *progressbar.ProgressBar // nil when to is no terminal
	total int
	told  time.Time
	began time.Time
}

func newProgress(to io.Writer, total int) *progress {
	p := &progress{to: to, total: total, told: time.Now(), began: time.Now()}
	if file, ok := to.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bar = progressbar.NewOptions(max(total, 1), progressbar.OptionSetWriter(to), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *progress) show(done int) error {
	if p.bar != nil {
		return p.bar.Set(done)
	}
	if time.Since(p.told) < lineEvery {
		return nil
	}
	p.told = time.Now()
	_, err := fmt.Fprintf(p.to, "%d of %d rows after %s\n", done, p.total, time.Since(p.began).Round(time.Second))
	return err
}

func (p *progress) end() error {
	if p.bar != nil {
		return p.bar.Finish()
	}
	return nil
}
