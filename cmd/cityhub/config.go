package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// errReported ends a command whose trouble has been told already; errHelped
// ends one that only asked for help.
var (
	errReported = errors.New("failed rows were reported")
	errHelped   = errors.New("help was asked for")
)

// console is what a command may read and write.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// runner is a parsed subcommand.
type runner interface {
	Run(ctx context.Context, c *console) error
}

// commandLine is the grammar of the program. Every flag can also be given as
// CITYHUB_… in the environment and in the YAML file; a flag wins over the
// environment, that over the file, and that over the default.
type commandLine struct {
	Config kong.ConfigFlag `help:"YAML file with settings, named as the flags are." placeholder:"FILE"`

	Serve      serveCommand      `cmd:"" help:"Run the hub."`
	Import     importCommands    `cmd:"" help:"Bring devices or device models in from files."`
	Export     exportCommands    `cmd:"" help:"Write what is registered into files."`
	Quarantine quarantineCommand `cmd:"" help:"Look at refused messages, and replay them."`
	Users      usersCommands     `cmd:"" help:"Make accounts for people."`
	Keys       keysCommands      `cmd:"" help:"Make API keys for programs."`
	Publish    publishCommand    `cmd:"" help:"Let others see readings, or take that back."`
	Settings   configCommands    `cmd:"" name:"config" help:"Check the settings."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// exited carries kong's wish to end the program, so that run can answer a code.
type exited struct{ code int }

func parse(args []string, stdin io.Reader, stdout, stderr io.Writer) (command runner, c *console, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			err = errHelped
			if e.code != 0 {
				err = errReported
			}
		default:
			panic(e)
		}
	}()
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("cityhub"),
		kong.Description("A city's data hub for its sensors: MQTT in, time series kept, maps and open data out."),
		kong.Configuration(settingsFile),
		kong.Resolvers(environment()),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited{code}) }),
		kong.UsageOnError(),
	)
	if err != nil {
		return nil, nil, err
	}
	if args, err = withSettingsFile(args); err != nil {
		return nil, nil, err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (see cityhub --help)", err)
	}
	command, ok := parsed.Selected().Target.Addr().Interface().(runner)
	if !ok {
		return nil, nil, errors.New("say what to do; see cityhub --help")
	}
	return command, &console{stdin, stdout, stderr}, nil
}

// withSettingsFile names the file that the environment names, unless a flag does.
func withSettingsFile(args []string) ([]string, error) {
	path, err := fromEnvironment("CITYHUB_CONFIG")
	if err != nil || path == "" || slices.ContainsFunc(args, func(a string) bool { return a == "--config" || strings.HasPrefix(a, "--config=") }) {
		return args, err
	}
	return append([]string{"--config=" + path}, args...), nil
}

// settingsFile reads a YAML file whose keys are the flags' names. It is silent
// about what the environment sets: of two that answer, kong takes the file.
func settingsFile(file io.Reader) (kong.Resolver, error) {
	settings := map[string]any{}
	if err := yaml.NewDecoder(file).Decode(&settings); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	known := map[string]bool{}
	return resolver{
		resolve: func(flag *kong.Flag) (any, error) {
			if set, err := fromEnvironment(variable(flag)); err != nil || set != "" {
				return nil, err
			}
			value, ok := settings[flag.Name]
			if !ok {
				value, ok = settings[strings.ReplaceAll(flag.Name, "-", "_")]
			}
			if !ok {
				return nil, nil
			}
			switch value.(type) {
			case string, bool, int, int64, uint64, float64:
				return fmt.Sprint(value), nil
			}
			return nil, fmt.Errorf("settings file: %s: is not a single value; write a text or a number", flag.Name)
		},
		validate: func(app *kong.Application) error {
			for _, flag := range allFlags(app.Node) {
				known[flag] = true
			}
			for key := range settings {
				if !known[strings.ReplaceAll(key, "_", "-")] {
					return fmt.Errorf("settings file: %q is no setting; see cityhub serve --help for the names", key)
				}
			}
			return nil
		},
	}, nil
}

func allFlags(node *kong.Node) []string {
	var names []string
	for _, flag := range node.Flags {
		names = append(names, flag.Name)
	}
	for _, child := range node.Children {
		names = append(names, allFlags(child)...)
	}
	return names
}

// environment reads CITYHUB_NAME, and CITYHUB_NAME_FILE for a file that holds
// the value, as secrets are handed to containers.
func environment() kong.Resolver {
	return resolver{resolve: func(flag *kong.Flag) (any, error) {
		value, err := fromEnvironment(variable(flag))
		if err != nil || value == "" {
			return nil, err
		}
		return value, nil
	}}
}

func variable(flag *kong.Flag) string {
	return "CITYHUB_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// fromEnvironment gives "" for what is not set: an empty variable says nothing.
func fromEnvironment(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return "", nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// resolver is kong.Resolver from functions.
type resolver struct {
	resolve  func(*kong.Flag) (any, error)
	validate func(*kong.Application) error
}

func (r resolver) Validate(app *kong.Application) error {
	if r.validate == nil {
		return nil
	}
	return r.validate(app)
}

func (r resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	return r.resolve(flag)
}
