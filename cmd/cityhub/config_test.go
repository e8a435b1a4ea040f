package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// settingsOf parses a command line as main does.
func settingsOf(t *testing.T, args ...string) (*serveCommand, error) {
	t.Helper()
	command, _, err := parse(append([]string{"serve"}, args...), nil, &bytes.Buffer{}, &bytes.Buffer{})
	if err != nil {
		return nil, err
	}
	return command.(*serveCommand), nil
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFlagWinsOverTheEnvironmentThatOverTheFileThatOverTheDefault(t *testing.T) {
	settings := file(t, "influx-org: file\nspool_bytes: 1000000000\nraw-retention: 48h\n")
	secret := file(t, "  secret\n")
	for name, c := range map[string]struct {
		environment map[string]string
		args        []string
		want        serveCommand
	}{
		"the default alone":    {want: serveCommand{InfluxOrg: "cityhub", SpoolBytes: 16 << 30, RawRetention: 8760 * time.Hour}},
		"the file":             {args: []string{"--config", settings}, want: serveCommand{InfluxOrg: "file", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"the file, named by =": {args: []string{"--config=" + settings}, want: serveCommand{InfluxOrg: "file", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"the environment over the file": {map[string]string{"CITYHUB_INFLUX_ORG": "environment"}, []string{"--config", settings},
			serveCommand{InfluxOrg: "environment", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"a flag over both": {map[string]string{"CITYHUB_INFLUX_ORG": "environment"}, []string{"--config", settings, "--influx-org", "flag"},
			serveCommand{InfluxOrg: "flag", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"the file named by the environment": {map[string]string{"CITYHUB_CONFIG": settings}, nil,
			serveCommand{InfluxOrg: "file", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"an empty variable says nothing": {map[string]string{"CITYHUB_INFLUX_ORG": ""}, []string{"--config", settings},
			serveCommand{InfluxOrg: "file", SpoolBytes: 1e9, RawRetention: 48 * time.Hour}},
		"a secret from a file": {map[string]string{"CITYHUB_INFLUX_TOKEN_FILE": secret}, nil,
			serveCommand{InfluxOrg: "cityhub", SpoolBytes: 16 << 30, RawRetention: 8760 * time.Hour, InfluxToken: "secret"}},
		"a secret from a file beside an empty variable": {map[string]string{"CITYHUB_INFLUX_TOKEN_FILE": secret, "CITYHUB_INFLUX_TOKEN": ""}, nil,
			serveCommand{InfluxOrg: "cityhub", SpoolBytes: 16 << 30, RawRetention: 8760 * time.Hour, InfluxToken: "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range c.environment {
				t.Setenv(key, value)
			}
			got, err := settingsOf(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if got.InfluxOrg != c.want.InfluxOrg || got.SpoolBytes != c.want.SpoolBytes ||
				got.RawRetention != c.want.RawRetention || got.InfluxToken != c.want.InfluxToken {
				t.Errorf("org %q, spool %d, retention %s, token %q; want %+v",
					got.InfluxOrg, got.SpoolBytes, got.RawRetention, got.InfluxToken, c.want)
			}
		})
	}
}

func TestSettingsThatAreNoneAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		environment [2]string
		args        []string
		want        string
	}{
		"an unknown key in the file":  {args: []string{"--config", file(t, "influx-orgg: x\n")}, want: "influx-orgg"},
		"a file that is no YAML":      {args: []string{"--config", file(t, "a: [\n")}, want: "settings file"},
		"a list for a single setting": {args: []string{"--config", file(t, "influx-org: [a, b]\n")}, want: "influx-org"},
		"a file that is not there":    {args: []string{"--config", "/nowhere/at/all"}, want: "/nowhere/at/all"},
		"an unknown flag":             {args: []string{"--influx-orgg", "x"}, want: "influx-orgg"},
		"a secret's file not there":   {environment: [2]string{"CITYHUB_INFLUX_TOKEN_FILE", "/nowhere"}, want: "CITYHUB_INFLUX_TOKEN_FILE"},
		"a duration that is none":     {environment: [2]string{"CITYHUB_RAW_RETENTION", "a year"}, want: "raw-retention"},
		"no such log format":          {args: []string{"--log-format", "xml"}, want: "log-format"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.environment[0] != "" {
				t.Setenv(c.environment[0], c.environment[1])
			}
			if _, err := settingsOf(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not name %q", err, c.want)
			}
		})
	}
}

func TestSettingsThatCannotWorkAreRefusedWithTheMend(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // parts of the refusal; none: accepted
	}{
		"the defaults":                  {nil, nil},
		"a zone of half an hour":        {[]string{"--time-zone", "Asia/Kolkata"}, []string{"--time-zone", "5h30m0s from UTC", "Asia/Ho_Chi_Minh"}},
		"one in summer":                 {[]string{"--time-zone", "Australia/Lord_Howe"}, []string{"--time-zone", "10h30m0s from UTC"}},
		"one that was, of what is kept": {[]string{"--time-zone", "America/Caracas", "--raw-retention", "262800h"}, []string{"--time-zone", "-4h30m0s from UTC"}},
		"no such zone":                  {[]string{"--time-zone", "Hanoi"}, []string{"--time-zone", "Asia/Ho_Chi_Minh"}},
		"not an address":                {[]string{"--http", "8080"}, []string{"--http", "HOST:PORT"}},
		"pages open to the network":     {[]string{"--http", "0.0.0.0:8080"}, nil},
		"no network":                    {[]string{"--trusted-proxies", "10.0.0.0/40"}, []string{"--trusted-proxies", "10.0.0.0/8"}},
		"a proxy's address":             {[]string{"--trusted-proxies", "10.0.0.1,fd00::/8"}, nil},
		"operations may be open":        {[]string{"--ops", "0.0.0.0:9090"}, nil},
		"the broker is open":            {[]string{"--mqtt-listen", ":1883"}, nil},
		"everybody at an open broker":   {[]string{"--mqtt-listen", ":1883", "--mqtt-anonymous"}, []string{"--mqtt-listen"}},
		"an admin without a broker":     {[]string{"--mqtt-admin-username", "a", "--mqtt-admin-password", "b"}, []string{"--mqtt-admin-username"}},
		"an admin without a password":   {[]string{"--mqtt-admin-username", "a", "--mqtt-url", "tcp://mosquitto:1883"}, []string{"--mqtt-admin-username"}},
		"no embedded broker is opened":  {[]string{"--mqtt-listen", ":1883", "--mqtt-url", "tcp://mosquitto:1883"}, nil},
		"no URL":                        {[]string{"--mqtt-url", "mosquitto"}, []string{"--mqtt-url"}},
		"InfluxDB without a token":      {[]string{"--influx-url", "http://influx:8086"}, []string{"CITYHUB_INFLUX_TOKEN"}},
		"InfluxDB with a token":         {[]string{"--influx-url", "http://influx:8086", "--influx-token", "t"}, nil},
		"too short a retention":         {[]string{"--raw-retention", "1m"}, []string{"--raw-retention"}},
		"everything wrong is told once": {[]string{"--raw-retention", "1m", "--time-zone", "x"}, []string{"--raw-retention", "--time-zone"}},
	} {
		t.Run(name, func(t *testing.T) {
			settings, err := settingsOf(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			err = settings.check()
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("%v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}
