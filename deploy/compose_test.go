package deploy

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

var (
	pinned = regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?$`)
	secret = regexp.MustCompile(`(?i)password|token|secret|key`)
	worth  = []string{"hub", "influxdb", "mosquitto", "postgres"}
)

// faults says what of a service would harm who starts it as it is.
func faults(s types.ServiceConfig) []string {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !pinned.MatchString(s.Image) {
		add("image %q names no exact release", s.Image)
	}
	if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 {
		add("no health check")
	}
	if user, _, _ := strings.Cut(s.User, ":"); user == "" || user == "0" || user == "root" {
		add("user %q is root or the image's own choice", s.User)
	}
	if s.Privileged || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		add("it may gain rights")
	}
	for name, value := range s.Environment {
		if value != nil && tells(name, *value) {
			add("%s holds a secret in plain text", name)
		}
	}
	for _, port := range s.Ports {
		if port.HostIP != "127.0.0.1" {
			add("port %s is open to other machines", port.Published)
		}
	}
	for _, volume := range s.Volumes {
		if volume.Type == types.VolumeTypeBind && !volume.ReadOnly {
			add("it writes to %s of the host", volume.Source)
		}
	}
	return wrong
}

// tells says whether a setting gives a secret away.
func tells(name, value string) bool {
	if secret.MatchString(name) && !strings.HasSuffix(name, "_FILE") {
		return true
	}
	address, err := url.Parse(value)
	if err != nil || address.User == nil {
		return false
	}
	_, has := address.User.Password()
	return has
}

func load(t *testing.T, file string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{file}, cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeIsSafeToStart(t *testing.T) {
	project := load(t, "../compose.yaml")
	if names := project.ServiceNames(); !slices.Equal(slices.Sorted(slices.Values(names)), worth) {
		t.Errorf("services are %v, want %v", names, worth)
	}
	for name, service := range project.Services {
		for _, fault := range faults(service) {
			t.Errorf("%s: %s", name, fault)
		}
		for _, volume := range service.Volumes {
			if _, known := project.Volumes[volume.Source]; volume.Type == types.VolumeTypeVolume && !known {
				t.Errorf("%s: volume %q has no name to find its data by", name, volume.Source)
			}
		}
	}
	if hub := project.Services["hub"]; !hub.ReadOnly {
		t.Error("hub: its root file system can be written")
	}
	for name, secret := range project.Secrets {
		if secret.File == "" || filepath.Base(filepath.Dir(secret.File)) != "secrets" {
			t.Errorf("secret %s does not come from a file in deploy/secrets", name)
		}
	}
}

// InfluxDB makes its bucket itself, and the hub may not change it after.
func TestInfluxDBKeepsReadingsAsLongAsTheHub(t *testing.T) {
	services := load(t, "../compose.yaml").Services
	bucket, hub := services["influxdb"].Environment["DOCKER_INFLUXDB_INIT_RETENTION"], services["hub"].Environment["CITYHUB_RAW_RETENTION"]
	if bucket == nil || hub == nil || *bucket != *hub {
		t.Fatal("the bucket's retention is not that of the hub")
	}
	if long, err := time.ParseDuration(*hub); err != nil || long <= 0 {
		t.Errorf("a retention of %q: %v", *hub, err)
	}
}

func TestFaultsAreSeen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "compose.yaml")
	err := os.WriteFile(file, []byte(`
name: bad
services:
  all:
    image: postgres:latest
    environment: {POSTGRES_PASSWORD: hunter2, DATABASE_URL: "postgres://a:b@c/d"}
    ports: ["5432:5432"]
    volumes: ["/etc:/etc"]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(faults(load(t, file).Services["all"]), "\n")
	for _, want := range []string{"names no exact release", "no health check", "is root", "may gain rights",
		"POSTGRES_PASSWORD holds", "DATABASE_URL holds", "open to other machines", "writes to /etc"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not found among\n%s", want, got)
		}
	}
}
