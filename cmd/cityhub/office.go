package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cityhub/access"
	"cityhub/database"
	"cityhub/devices"
)

// office is where accounts are made: a running hub, or the store of one that
// does not run.
type office struct {
	Hub         string `help:"Address of the running hub." default:"http://127.0.0.1:8080"`
	Key         string `help:"API key of an administrator at the running hub; better as CITYHUB_KEY or CITYHUB_KEY_FILE."`
	Data        string `help:"Without a key: the data folder of a hub that does not run." type:"path"`
	PostgresURL string `name:"postgres-url" help:"Without a key: the PostgreSQL of a hub that does not run."`

	Role string `help:"open-data, viewer, technician, operator, organisation-admin, city-admin, auditor or gateway." required:""`
	Org  string `help:"Organisation in which the role counts, by code; without it the role is for the whole city."`
}

// post asks a running hub.
func (o *office) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	hub := client{Hub: o.Hub, Key: o.Key}
	return hub.call(ctx, "POST", path, "application/json", bytes.NewReader(text), answer)
}

// role is the binding as the API takes it.
func (o *office) role() map[string]string {
	role := map[string]string{"role": o.Role}
	if o.Org != "" {
		role["organisation"] = o.Org
	}
	return role
}

// running says whether a running hub is to be asked.
func (o *office) running() (bool, error) {
	switch {
	case o.Key != "":
		return true, nil
	case o.Data == "" && o.PostgresURL == "":
		return false, errors.New("give --key to ask a running hub, or --data or --postgres-url to work on the store of one that does not run")
	}
	return false, nil
}

// within opens the store, as a hub would, for one piece of work.
func (o *office) within(ctx context.Context, do func(*access.Accounts, access.Binding) error) (err error) {
	options := database.Options{PostgresURL: o.PostgresURL}
	if o.Data != "" {
		if err := os.MkdirAll(o.Data, 0o750); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		release, lockErr := database.LockDir(o.Data)
		if lockErr != nil {
			return orAsk(lockErr)
		}
		defer func() { err = errors.Join(err, release()) }()
		if o.PostgresURL == "" {
			options.SQLitePath = filepath.Join(o.Data, "registry.db")
		}
	}
	store, err := database.Open(ctx, options)
	if err != nil {
		return orAsk(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	accounts, err := access.OpenAccounts(ctx, access.AccountsOptions{Store: store.Accounts(), Now: time.Now})
	if err != nil {
		return err
	}
	binding := access.Binding{Role: access.Role(o.Role)}
	if o.Org != "" {
		found, err := store.Store().Tables().Organisations.List(ctx, devices.Page{Limit: 1, Match: map[string]any{"code": o.Org}})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("--org: no organisation has the code %q", o.Org)
		}
		binding.Organisation = found[0].ID
	}
	return do(accounts, binding)
}

// orAsk names the other way to whoever meets a running hub.
func orAsk(err error) error {
	if errors.Is(err, database.ErrInUse) {
		return fmt.Errorf("%w, or ask the running hub with --key", err)
	}
	return err
}

// keysCommands are the subcommands of keys.
type keysCommands struct {
	Add addKey `cmd:"" help:"Make an API key; its secret is printed once, alone on standard output."`
}

type addKey struct {
	office
	Name string `help:"What the key is for." required:""`
}

// Run makes the key.
func (k *addKey) Run(ctx context.Context, c *console) error {
	running, err := k.running()
	if err != nil {
		return err
	}
	var made struct{ Secret string }
	if running {
		body := k.role()
		body["name"] = k.Name
		err = k.post(ctx, "/keys", body, &made)
	} else {
		err = k.within(ctx, func(a *access.Accounts, b access.Binding) error {
			_, made.Secret, err = a.AddKey(ctx, k.Name, b, time.Time{})
			return err
		})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, made.Secret)
	return err
}

// usersCommands are the subcommands of users.
type usersCommands struct {
	Add addUser `cmd:"" help:"Make an account; its password is read from standard input."`
}

type addUser struct {
	office
	Name     string `help:"To sign in with." required:""`
	FullName string `name:"full-name" help:"As others know the user."`
	Email    string `help:"Where the user is reached."`
}

// Run makes the user.
func (u *addUser) Run(ctx context.Context, c *console) error {
	running, err := u.running()
	if err != nil {
		return err
	}
	password, err := readPassword(c)
	if err != nil {
		return err
	}
	if running {
		err = u.post(ctx, "/users", map[string]any{"name": u.Name, "fullName": u.FullName, "email": u.Email,
			"password": password, "roles": []any{u.role()}}, nil)
	} else {
		err = u.within(ctx, func(a *access.Accounts, b access.Binding) error {
			_, err := a.AddUser(ctx, access.Profile{Name: u.Name, FullName: u.FullName, Email: u.Email}, password, []access.Binding{b})
			return err
		})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s can sign in.\n", strings.ToLower(u.Name))
	return err
}
