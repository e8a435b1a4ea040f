package imports

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"cityhub/devices"
)

// sentFiles are the files of an import by the names that they were sent with.
type sentFiles struct{ job *job }

// Open implements fs.FS.
func (s sentFiles) Open(name string) (fs.File, error) {
	i := slices.Index(s.job.state.Names, name)
	if i < 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("this file was not sent along")}
	}
	return os.Open(s.job.sent(i))
}

func modelNames(names []string) (models []string) {
	for _, name := range names {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
			models = append(models, name)
		}
	}
	return models
}

func (m *Imports) runModels(ctx context.Context, j *job) error {
	state := j.snapshot()
	ctx, err := m.rights(ctx, &state)
	if err != nil {
		return err
	}
	for _, name := range modelNames(state.Names)[state.Done:] {
		result, code := devices.Failed, name
		sensor, err := devices.ReadModel(sentFiles{j}, name)
		if err == nil {
			code = sensor.Code
			if !state.DryRun {
				_, result, err = m.o.Registry.PutSensor(ctx, sensor)
			} else {
				result, err = m.o.Registry.TrySensor(ctx, sensor)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := j.keep([]Result{resultOf(Result{Model: code}, result, err)}); err != nil {
			return err
		}
	}
	return nil
}
