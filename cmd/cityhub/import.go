package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// importCommands are the subcommands of import.
type importCommands struct {
	Devices importDevices `cmd:"" help:"Register devices and stations from a CSV file."`
	Models  importModels  `cmd:"" help:"Register device models from YAML files."`
}

type importDevices struct {
	client
	File string `arg:"" help:"CSV file with the columns device, serial, dev_eui, model, station, station_name, lon, lat, organisation, from."`
	All  bool   `help:"Print the rows that changed nothing, too."`
}

// Run imports the file and prints a result for every row that says something.
func (i *importDevices) Run(ctx context.Context, c *console) error {
	return importFiles(ctx, c, &i.client, "devices", []string{i.File}, i.All)
}

type importModels struct {
	client
	Files []string `arg:"" help:"YAML files, one model each; a codec's JavaScript file is found beside its model."`
}

// Run imports the models.
func (i *importModels) Run(ctx context.Context, c *console) error {
	files := i.Files
	for _, file := range i.Files {
		beside, err := codecBeside(file)
		if err != nil {
			return err
		}
		files = append(files, beside...)
	}
	return importFiles(ctx, c, &i.client, "models", files, true)
}

var codecLine = regexp.MustCompile(`(?m)^codec:\s*["']?([^"'\s#]+)`)

// codecBeside finds the file that a model names as its codec.
func codecBeside(file string) ([]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	match := codecLine.FindSubmatch(raw)
	if match == nil {
		return nil, nil
	}
	return []string{filepath.Join(filepath.Dir(file), string(match[1]))}, nil
}

// job is the API's picture of an import.
type job struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Error     string `json:"error"`
	Total     int    `json:"total"`
	Done      int    `json:"done"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Failed    int    `json:"failed"`
	Rows      []struct {
		Line   int    `json:"line"`
		Device string `json:"device"`
		Result string `json:"result"`
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"rows"`
}

func importFiles(ctx context.Context, c *console, hub *client, kind string, files []string, all bool) error {
	body, contentType, err := upload(kind, files)
	if err != nil {
		return err
	}
	var j job
	if err := hub.call(ctx, "POST", "/imports", contentType, body, &j); err != nil {
		return err
	}
	if err := follow(ctx, c, hub, &j); err != nil {
		return err
	}
	for _, row := range j.Rows {
		if !all && row.Result == "unchanged" {
			continue
		}
		text := strings.TrimSpace(row.Field + " " + row.Detail)
		fmt.Fprintf(c.out, "line %d  %s  %s  %s\n", row.Line, row.Device, row.Result, text)
	}
	fmt.Fprintf(c.out, "%d created, %d updated, %d unchanged, %d failed\n", j.Created, j.Updated, j.Unchanged, j.Failed)
	if j.Error != "" {
		return fmt.Errorf("the import stopped: %s", j.Error)
	}
	if j.Failed > 0 {
		return errReported
	}
	return nil
}

func upload(kind string, files []string) (io.Reader, string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("kind", kind); err != nil {
		return nil, "", err
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, "", err
		}
		part, err := form.CreateFormFile("file", filepath.Base(name))
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(raw); err != nil {
			return nil, "", err
		}
	}
	return &body, form.FormDataContentType(), form.Close()
}

// follow waits for the import's end, with a bar on a terminal.
func follow(ctx context.Context, c *console, hub *client, j *job) error {
	bar := progressbar.DefaultSilent(int64(max(j.Total, 1)))
	if file, ok := c.err.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		bar = progressbar.NewOptions(max(j.Total, 1), progressbar.OptionSetWriter(c.err),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	}
	for j.State != "done" && j.State != "failed" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the import goes on in the hub; see GET /api/v1/imports/%s", j.ID)
		case <-time.After(200 * time.Millisecond):
		}
		if err := hub.call(ctx, "GET", "/imports/"+j.ID, "", nil, j); err != nil {
			return err
		}
		bar.ChangeMax(max(j.Total, 1))
		if err := bar.Set(j.Done); err != nil {
			return err
		}
	}
	return bar.Finish()
}
