package devices

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// modelFile is the shape of a model's YAML.
type modelFile struct {
	Code           string        `yaml:"code"`
	Name           string        `yaml:"name"`
	Manufacturer   string        `yaml:"manufacturer"`
	Description    string        `yaml:"description"`
	ReportInterval string        `yaml:"report_interval"`
	Codec          string        `yaml:"codec"`
	Channels       []channelFile `yaml:"channels"`
	Examples       yaml.Node     `yaml:"examples"` // for people and tests
}

type channelFile struct {
	Key        string     `yaml:"key"`
	Property   string     `yaml:"property"`
	Unit       string     `yaml:"unit"`
	Kind       Kind       `yaml:"kind"`
	Range      []*float64 `yaml:"range"`
	StuckAfter string     `yaml:"stuck_after"`
}

// ReadModel reads one model from a YAML file; its codec is a file beside it.
func ReadModel(files fs.FS, name string) (Sensor, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return Sensor{}, err
	}
	m, err := readModelFile(raw)
	if err != nil {
		return Sensor{}, fmt.Errorf("%s: %w", name, err)
	}
	s, err := m.sensor()
	if err != nil {
		return Sensor{}, fmt.Errorf("%s: %w", name, err)
	}
	if m.Codec != "" {
		source, err := fs.ReadFile(files, path.Join(path.Dir(name), m.Codec))
		if err != nil {
			return Sensor{}, fmt.Errorf("%s: %w", name, invalid("codec", err.Error()))
		}
		s.Codec = string(source)
	}
	return s, nil
}

func readModelFile(raw []byte) (m modelFile, err error) {
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&root); err != nil {
		return m, invalid("yaml", "cannot be read: "+strings.TrimPrefix(err.Error(), "yaml: ")+"; check indentation, quotes and brackets there")
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return m, invalid("yaml", "holds more than one document; send one model a file")
	}
	if err := checkModelFile(&root); err != nil {
		return m, err
	}
	if err := root.Decode(&m); err != nil {
		return m, invalid("yaml", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return m, nil
}

func (m modelFile) sensor() (Sensor, error) {
	interval, err := duration("report_interval", m.ReportInterval)
	if err != nil {
		return Sensor{}, err
	}
	s := Sensor{Code: m.Code, Name: m.Name, Manufacturer: m.Manufacturer, Description: m.Description, ReportInterval: interval}
	for i, c := range m.Channels {
		stuck, err := duration(fmt.Sprintf("channels[%d].stuck_after", i), c.StuckAfter)
		if err != nil {
			return Sensor{}, err
		}
		channel := Channel{Key: c.Key, Property: c.Property, Unit: c.Unit, Kind: c.Kind, StuckAfter: stuck, Lo: math.Inf(-1), Hi: math.Inf(1)}
		if len(c.Range) != 0 && len(c.Range) != 2 {
			return Sensor{}, invalid(fmt.Sprintf("channels[%d].range", i), "must be [lower, upper]; null leaves a side open")
		}
		if len(c.Range) == 2 && c.Range[0] != nil {
			channel.Lo = *c.Range[0]
		}
		if len(c.Range) == 2 && c.Range[1] != nil {
			channel.Hi = *c.Range[1]
		}
		s.Channels = append(s.Channels, channel)
	}
	return s, nil
}

func duration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, invalid(field, fmt.Sprintf("%q is not a duration such as 10m or 1h30m", text))
	}
	return d, nil
}
