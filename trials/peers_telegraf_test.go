//go:build peers

package trials

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cityhub/testbed"
)

// telegrafProgram finds what scripts/build-telegraf builds.
func telegrafProgram(t *testing.T) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "cityhub", "telegraf-1.36.4")
	if named := os.Getenv("TELEGRAF"); named != "" {
		path = named
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; build it with scripts/build-telegraf", err)
	}
	return path
}

// telegrafSettings are those that decide how fast it drains.
type telegrafSettings struct {
	undelivered, batch int
	flush              string
}

func (s telegrafSettings) String() string {
	return fmt.Sprintf("max_undelivered_messages %d, metric_batch_size %d, flush_interval %s", s.undelivered, s.batch, s.flush)
}

// telegrafConfig is Telegraf for the same job: each message acknowledged once
// InfluxDB has it, the same five values, the device from the topic, and no
// gzip, which costs CPU and gains nothing on loopback.
const telegrafConfig = `
[agent]
  interval = "10s"
  metric_batch_size = %d
  metric_buffer_limit = 100000
  flush_interval = %q
  flush_jitter = "0s"
  omit_hostname = true

[[inputs.mqtt_consumer]]
  servers = [%q]
  topics = ["cityhub/v1/+/telemetry"]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = %d
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "cityhub/v1/+/telemetry"
    tags = "_/_/device/_"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "observation"
    timestamp_path = "time"
    timestamp_format = "2006-01-02T15:04:05Z07:00"
%s
[[outputs.influxdb_v2]]
  urls = [%q]
  token = %q
  organization = %q
  bucket = %q
  content_encoding = "identity"
`

func (s telegrafSettings) config(broker string, db *testbed.Influx) string {
	var fields strings.Builder
	for _, name := range []string{"pm25", "pm10", "temperature", "humidity", "battery"} {
		fmt.Fprintf(&fields, "    [[inputs.mqtt_consumer.json_v2.field]]\n      path = \"values.%s\"\n      type = \"float\"\n", name)
	}
	return fmt.Sprintf(telegrafConfig, s.batch, s.flush, broker, s.undelivered, fields.String(), db.URL, db.Token, db.Org, db.Bucket)
}

// telegraf is Telegraf as a process.
type telegraf struct {
	t             *testing.T
	program, file string
	log           string
	running       *exec.Cmd
}

// telegrafConsumer makes Telegrafs that have taken one message, so that their
// session is known to be at the broker.
func telegrafConsumer(program string, s telegrafSettings) makeConsumer {
	return func(t *testing.T, broker string, db *testbed.Influx) consumer {
		dir := t.TempDir()
		c := &telegraf{t: t, program: program, file: filepath.Join(dir, "telegraf.conf"), log: filepath.Join(dir, "telegraf.log")}
		if err := os.WriteFile(c.file, []byte(s.config(broker, db)), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.end(syscall.SIGKILL)
			if t.Failed() {
				said, _ := os.ReadFile(c.log)
				t.Logf("Telegraf said:\n%s", said)
			}
		})
		c.start()
		for deadline := time.Now().Add(60 * time.Second); points(t, db) == 0; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("Telegraf takes no message")
			}
			now := time.Now().UTC().Format(time.RFC3339Nano)
			publish(t, strings.TrimPrefix(broker, "tcp://"), "cityhub/v1/flood-000001/telemetry",
				[]byte(`{"time":"`+now+`","seq":0,"values":{"pm25":1,"pm10":1,"temperature":1,"humidity":1,"battery":1}}`))
		}
		time.Sleep(2 * time.Second) // for what else of these is still on its way
		c.stop()
		return c
	}
}

func (c *telegraf) start() {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	c.running = exec.Command(c.program, "--config", filepath.Base(c.file))
	c.running.Dir = filepath.Dir(c.file) // a comma in a path would be taken for a list of files
	c.running.Stdout, c.running.Stderr = log, log
	c.running.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.running.Start(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *telegraf) stop() { c.end(syscall.SIGTERM) }

func (c *telegraf) end(signal syscall.Signal) {
	if c.running == nil {
		return
	}
	_ = c.running.Process.Signal(signal)
	_ = c.running.Wait() // ended by our signal
	c.running = nil
}

func (c *telegraf) pid() int { return c.running.Process.Pid }

// settled has nothing to ask Telegraf: what InfluxDB counts is all there is.
func (c *telegraf) settled(int) {}
