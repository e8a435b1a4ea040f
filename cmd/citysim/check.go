package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"cityhub/cmd/citysim/check"
	"cityhub/cmd/citysim/ledger"
)

type checkCommand struct {
	Ledger  string        `help:"The ledger that citysim flood wrote." required:"" type:"existingfile"`
	Hub     string        `help:"The hub." default:"http://127.0.0.1:8080" env:"CITYHUB_HUB"`
	Key     string        `help:"API key; better in the environment." env:"CITYHUB_KEY"`
	Wait    time.Duration `help:"Wait so long for the spool to drain and for what is still on its way." default:"1m"`
	Limit   int           `help:"Items a page." default:"1000"`
	Workers int           `help:"Requests at once." default:"4"`
}

// Run checks and prints the report.
func (c *checkCommand) Run(ctx context.Context) error {
	contents, err := ledger.Read(c.Ledger)
	if err != nil {
		return err
	}
	report, err := check.Run(ctx, check.Options{
		Hub: c.Hub, Key: c.Key, Wait: c.Wait, Limit: c.Limit, Workers: c.Workers, Progress: progress(os.Stderr),
	}, contents)
	if err != nil {
		return err
	}
	show(os.Stdout, report, contents.Torn)
	if !report.OK() {
		return errUnproven
	}
	return nil
}

// progress draws a bar on a terminal and is silent elsewhere.
func progress(out *os.File) func(string, int64, int64) {
	if !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	shown := ""
	return func(stage string, done, of int64) {
		if stage != shown {
			bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(out),
				progressbar.OptionSetDescription(stage), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish())
			shown = stage
		}
		bar.ChangeMax64(of)
		_ = bar.Set64(done) // a bar that cannot be drawn stops nothing
	}
}

func show(out io.Writer, r check.Report, torn int) {
	fmt.Fprintf(out, "acked                 %d\n", r.Acked)
	fmt.Fprintf(out, "readable              %d\n", r.Readable)
	fmt.Fprintf(out, "in quarantine         %d\n", r.Quarantined)
	fmt.Fprintf(out, "lost                  %d\n", len(r.Lost))
	fmt.Fprintf(out, "visible duplicates    %d\n", r.Duplicates)
	fmt.Fprintf(out, "wrong value           %d\n", len(r.Wrong))
	fmt.Fprintf(out, "unacked               %d\n", r.Unacked)
	fmt.Fprintf(out, "unacked but stored    %d (harmless)\n", r.UnackedStored)
	fmt.Fprintf(out, "not in the ledger     %d (of the same devices and span)\n", r.Foreign)
	if torn > 0 {
		fmt.Fprintf(out, "ledger's torn end     %d bytes\n", torn)
	}
	if r.Spooled > 0 {
		fmt.Fprintf(out, "still in the spool    %d\n", r.Spooled)
	}
	showRecords(out, "lost", r.Lost)
	showRecords(out, "wrong value", r.Wrong)
	for _, d := range r.FirstDuplicates {
		fmt.Fprintf(out, "duplicate: %s\n", d)
	}
}

// showRecords prints the first few of them.
func showRecords(out io.Writer, what string, records []ledger.Record) {
	for i, r := range records {
		if i == 10 {
			fmt.Fprintf(out, "%s: … and %d more\n", what, len(records)-i)
			return
		}
		fmt.Fprintf(out, "%s: %s seq %d at %s, %s %v\n", what, ledger.DeviceCode(r.Device), r.Seq,
			time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano), ledger.Property, ledger.ValueOf(r.Seq))
	}
}
