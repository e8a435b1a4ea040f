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
	"strconv"
	"strings"
	"time"
)

// importCommands are the subcommands of import.
type importCommands struct {
	Devices importDevices `cmd:"" help:"Register devices and stations from a CSV or XLSX file."`
	Models  importModels  `cmd:"" help:"Register device models from YAML files."`
	Zones   importZones   `cmd:"" help:"Register zones, as wards, from a GeoJSON file."`
}

type importDevices struct {
	client
	language
	File        string `arg:"" help:"CSV or XLSX file with the columns device, serial, dev_eui, model, station, station_name, lon, lat, organisation, from, secret; device and model are required."`
	DryRun      bool   `help:"Tell what would become of each row, and change nothing."`
	Credentials string `help:"Make a secret for each device that has none, and write the rows with their secrets into this file." placeholder:"FILE" type:"path"`
	Results     string `help:"Write the rows that failed, with the reasons, into this CSV file: to mend and to import again." placeholder:"FILE" type:"path"`
	All         bool   `help:"Print all rows, not only those that failed."`
}

// Run imports the file and prints what became of its rows.
func (i *importDevices) Run(ctx context.Context, c *console) error {
	if i.Credentials != "" {
		if err := reserve(i.Credentials); err != nil { // before secrets are made that nothing can hold
			return err
		}
	}
	i.speaks = i.language.choice()
	one := importing{client: &i.client, console: c, all: i.All, fields: map[string]string{"kind": "devices"}}
	if i.DryRun {
		one.fields["dryRun"] = "true"
	}
	if i.Credentials != "" {
		one.fields["credentials"] = "true"
	}
	failed := one.run(ctx, []string{i.File})
	if one.job.State != "done" {
		return failed
	}
	if i.Credentials != "" && one.job.Secrets {
		if err := i.fetchFile(ctx, "/imports/"+one.job.ID+"/rows.csv?secrets=true", i.Credentials); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "the secrets are in %s, and nowhere else\n", i.Credentials)
	}
	if i.Results != "" && one.job.Failed > 0 {
		if err := i.fetchFile(ctx, "/imports/"+one.job.ID+"/rows.csv?only=failed", i.Results); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "the failed rows are in %s\n", i.Results)
	}
	return failed
}

// language is the one in which the hub explains itself.
type language struct {
	Lang string `help:"Language of the hub's answers, vi or en; that of the environment's LANG by default." enum:"vi,en,," default:""`
}

func (l language) choice() string {
	if l.Lang != "" {
		return l.Lang
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(value, "vi") {
				return "vi"
			}
			return "en"
		}
	}
	return "en"
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
	one := importing{client: &i.client, console: c, all: true, fields: map[string]string{"kind": "models"}}
	return one.run(ctx, files)
}

var codecLine = regexp.MustCompile(`(?m)^codec:\s*["']?([^"'\s#]+)`)

// codecBeside finds the file that a model names as its codec. It is sent to the
// hub, so another's model may name none but what lies beside it.
func codecBeside(file string) ([]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	match := codecLine.FindSubmatch(raw)
	if match == nil {
		return nil, nil
	}
	name := string(match[1])
	if name == ".." || name != filepath.Base(name) {
		return nil, fmt.Errorf("%s: codec: %q is not the name of a file beside the model; put it there and give its name alone", file, name)
	}
	return []string{filepath.Join(filepath.Dir(file), name)}, nil
}

// job is the API's picture of an import.
type job struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	DryRun    bool   `json:"dryRun"`
	Error     string `json:"error"`
	Total     int    `json:"total"`
	Done      int    `json:"done"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Failed    int    `json:"failed"`
	Secrets   bool   `json:"secrets"`
	Rows      []struct {
		Line   int    `json:"line"`
		Device string `json:"device"`
		Model  string `json:"model"`
		Zone   string `json:"zone"`
		Result string `json:"result"`
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"rows"`
}

// importing is an import that the command sends and watches.
type importing struct {
	*client
	*console
	fields map[string]string
	all    bool
	job    job
}

func (i *importing) run(ctx context.Context, files []string) error {
	body, contentType, err := upload(i.fields, files)
	if err != nil {
		return err
	}
	if err := i.call(ctx, "POST", "/imports", contentType, body, &i.job); err != nil {
		return err
	}
	began := time.Now()
	if err := i.follow(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	rows := "failed"
	if i.all {
		rows = "all"
	}
	if err := i.call(ctx, "GET", "/imports/"+i.job.ID+"?rows="+rows, "", nil, &i.job); err != nil {
		return err
	}
	i.report(took)
	switch {
	case i.job.State != "done":
		return fmt.Errorf("the import stopped: %s", i.job.Error)
	case i.job.Failed > 0:
		return errReported
	}
	return nil
}

func (i *importing) report(took time.Duration) {
	for _, row := range i.job.Rows {
		words := []string{row.Device + row.Model + row.Zone, row.Result}
		if row.Line > 0 {
			words = append([]string{"line " + strconv.Itoa(row.Line)}, words...)
		}
		if text := strings.TrimSpace(row.Field + " " + row.Detail); text != "" {
			words = append(words, text)
		}
		fmt.Fprintln(i.out, strings.Join(words, "  "))
	}
	would := ""
	if i.job.DryRun {
		would = "dry run, nothing changed: "
	}
	fmt.Fprintf(i.out, "%s%d created, %d updated, %d unchanged, %d failed (%d rows in %s, %.0f a second)\n", would,
		i.job.Created, i.job.Updated, i.job.Unchanged, i.job.Failed, i.job.Done, took.Round(100*time.Millisecond), float64(i.job.Done)/took.Seconds())
}

func upload(fields map[string]string, files []string) (io.Reader, string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			return nil, "", err
		}
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
