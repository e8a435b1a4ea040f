// Command secrets makes what compose.yaml hands to the services as files, each
// from the system's random source: passwords, InfluxDB's operator token, and
// Mosquitto's dynamic security file with the clients hub and admin. What is
// there already stays as it is.
//
//	go run ./scripts/secrets [DIR]    from the top of the tree; default deploy/secrets
package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "deploy/secrets"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run("deploy/mosquitto/dynamic-security.json", dir); err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

// run writes the secrets into dir, which only its owner may enter. The files
// themselves are readable, because each is seen by a service under a user id of
// its own.
func run(roles, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	made := map[string]string{}
	for _, name := range []string{"mqtt_password", "mqtt_admin_password", "influx_operator_password", "influx_operator_token", "postgres_password"} {
		text, err := keep(filepath.Join(dir, name), func() ([]byte, error) { return []byte(rand.Text()), nil })
		if err != nil {
			return err
		}
		made[name] = text
	}
	url := "postgres://cityhub:" + made["postgres_password"] + "@postgres:5432/cityhub?sslmode=disable"
	if _, err := keep(filepath.Join(dir, "postgres_url"), func() ([]byte, error) { return []byte(url), nil }); err != nil {
		return err
	}
	_, err := keep(filepath.Join(dir, "dynamic-security.json"), func() ([]byte, error) {
		return withClients(roles, map[string]string{"hub": made["mqtt_password"], "admin": made["mqtt_admin_password"]})
	})
	return err
}

// keep gives the text of a file, and makes the file first if there is none.
func keep(path string, make func() ([]byte, error)) (string, error) {
	text, err := os.ReadFile(path)
	if !os.IsNotExist(err) {
		return string(text), err
	}
	if text, err = make(); err != nil {
		return "", err
	}
	return string(text), os.WriteFile(path, text, 0o644)
}

// client is an account as Mosquitto's plugin keeps it.
type client struct {
	Username   string `json:"username"`
	Roles      []role `json:"roles"`
	Password   string `json:"password"` // base64 of PBKDF2-SHA-512, 64 bytes
	Salt       string `json:"salt"`     // base64
	Iterations int    `json:"iterations"`
}

type role struct {
	Name string `json:"rolename"`
}

// withClients reads a dynamic security file and adds a client for each name,
// with the role of the same name.
func withClients(path string, passwords map[string]string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var clients []client
	for name, password := range passwords {
		c, err := newClient(name, name, password)
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	file["clients"] = clients
	return json.MarshalIndent(file, "", "  ")
}

func newClient(name, roleName, password string) (client, error) {
	const rounds = 210_000 // what is advised for SHA-512; the plugin's own 101 is from another age
	salt := make([]byte, 12)
	if _, err := rand.Read(salt); err != nil {
		return client{}, err
	}
	hash, err := pbkdf2.Key(sha512.New, password, salt, rounds, 64)
	if err != nil {
		return client{}, err
	}
	return client{
		Username: name, Roles: []role{{roleName}}, Iterations: rounds,
		Password: base64.StdEncoding.EncodeToString(hash), Salt: base64.StdEncoding.EncodeToString(salt),
	}, nil
}
