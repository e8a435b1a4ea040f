package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

// exportCommands are the subcommands of export.
type exportCommands struct {
	Devices exportDevices `cmd:"" help:"Write all devices in the columns of an import."`
}

type exportDevices struct {
	client
	Format string `help:"csv or xlsx; that of the file's name by default, else csv." enum:"csv,xlsx,," default:""`
	Output string `short:"o" help:"File to write; standard output without it." placeholder:"FILE" type:"path"`
}

// Run writes the devices that the key may see.
func (e *exportDevices) Run(ctx context.Context, c *console) error {
	format := e.Format
	if format == "" {
		format = "csv"
		if strings.EqualFold(filepath.Ext(e.Output), ".xlsx") {
			format = "xlsx"
		}
	}
	path := "/devices/export?format=" + format
	if e.Output != "" {
		return e.fetchFile(ctx, path, e.Output)
	}
	if file, ok := c.out.(*os.File); ok && format == "xlsx" && term.IsTerminal(int(file.Fd())) {
		return errors.New("a spreadsheet cannot be shown on a terminal; name a file with -o")
	}
	return e.fetch(ctx, path, c.out)
}

// fetch copies an answer of the API that is no JSON.
func (c *client) fetch(ctx context.Context, path string, to io.Writer) error {
	answer, err := c.send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		var p problem
		_ = json.NewDecoder(answer.Body).Decode(&p) // the status alone tells enough when the body is not a problem
		return fmt.Errorf("GET %s: %s: %s", path, answer.Status, p)
	}
	if _, err := io.Copy(to, answer.Body); err != nil {
		return fmt.Errorf("GET %s: the answer was cut off: %w; try again", path, err)
	}
	return nil
}

// fetchFile copies an answer into a file that only its owner can read: the
// whole answer, or the file stays as it was.
func (c *client) fetchFile(ctx context.Context, path, name string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".cityhub-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	err = c.fetch(ctx, path, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// reserve makes sure that a file can be written.
func reserve(name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
