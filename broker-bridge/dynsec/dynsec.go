// Package dynsec tells a Mosquitto who may come in, through its dynamic
// security plugin: a client a user name and a role a device. It knows no
// device but what it is told of one.
package dynsec

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/devices/credentials"
)

// The plugin's topics.
const (
	control  = "$CONTROL/dynamic-security/v1"
	response = control + "/response"
)

const (
	patience = 30 * time.Second // for the answer to a batch; the broker writes its file once a command
	made     = "made by cityhub"
)

// Options say how the broker is reached. URL, Username and Password are
// required; the user has to be one that may change the plugin's settings.
type Options struct {
	URL      string // mqtt:// or tcp://, mqtts:// or ssl://
	Username string
	Password string
	TLS      *tls.Config // nil: the system's roots
}

// Sink is a credentials.Sink. It connects when there is something to say.
type Sink struct {
	o       Options
	mu      sync.Mutex // one batch at a time, so that an answer is known to be to the last
	client  mqtt.Client
	answers chan []byte
}

// New makes a sink; nothing is dialled before the first call.
func New(o Options) *Sink { return &Sink{o: o, answers: make(chan []byte, 16)} }

// Close ends the connection, if there is one.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangUp()
	return nil
}

func (s *Sink) hangUp() {
	if s.client != nil {
		s.client.Disconnect(100)
		s.client = nil
	}
}

// command is one of the plugin's, by its names.
type command map[string]any

// answer is what the plugin says to one.
type answer struct {
	Command     string `json:"command"`
	Error       string `json:"error"`
	Correlation string `json:"correlationData"`
	Data        struct {
		Clients []struct {
			Username string `json:"username"`
			Textname string `json:"textname"`
		} `json:"clients"`
	} `json:"data"`
}

// talk sends commands and gives the answers, one each.
func (s *Sink) talk(ctx context.Context, commands []command) ([]answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.connect(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers, err := s.exchange(ctx, commands)
	if err != nil {
		s.hangUp() // what comes later would be taken for the next answer
		return nil, fmt.Errorf("the broker's dynamic security: %w", err)
	}
	return answers, nil
}

func (s *Sink) exchange(ctx context.Context, commands []command) ([]answer, error) {
	mark := rand.Text()
	for _, c := range commands {
		c["correlationData"] = mark
	}
	body, err := json.Marshal(map[string]any{"commands": commands})
	if err != nil {
		return nil, err
	}
	token := s.client.Publish(control, 1, false, body)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var answers []answer
	for len(answers) < len(commands) {
		select {
		case raw := <-s.answers:
			var got struct {
				Responses []answer `json:"responses"`
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				return nil, fmt.Errorf("its answer: %w", err)
			}
			if len(got.Responses) > 0 && got.Responses[0].Correlation == mark { // others use the topic, too
				answers = append(answers, got.Responses...)
			}
		case <-ctx.Done():
			return nil, errors.New("it does not answer: is the plugin loaded, and may the user change its settings?")
		}
	}
	return answers, nil
}

func (s *Sink) connect() error {
	if s.client != nil && s.client.IsConnectionOpen() {
		return nil
	}
	s.hangUp()
	answers := make(chan []byte, 16)
	o := mqtt.NewClientOptions().AddBroker(s.o.URL).SetClientID("cityhub-credentials-" + rand.Text()[:8])
	o.SetUsername(s.o.Username).SetPassword(s.o.Password).SetProtocolVersion(4).SetTLSConfig(s.o.TLS)
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(10 * time.Second)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		select {
		case answers <- m.Payload():
		default: // nobody waits for it any more
		}
	})
	client := mqtt.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(15*time.Second) || token.Error() != nil {
		client.Disconnect(0)
		return fmt.Errorf("connect to the broker as %q: %w", s.o.Username, orTimeout(token.Error()))
	}
	token := client.Subscribe(response, 1, nil)
	if !token.WaitTimeout(15*time.Second) || token.Error() != nil {
		client.Disconnect(0)
		return fmt.Errorf("subscribe to %s as %q: %w", response, s.o.Username, orTimeout(token.Error()))
	}
	s.client, s.answers = client, answers
	return nil
}

func orTimeout(err error) error {
	if err == nil {
		return errors.New("no answer in time")
	}
	return err
}

// Users gives the user names that were made by a hub.
func (s *Sink) Users(ctx context.Context) ([]string, error) {
	const page = 1000
	var names []string
	for offset := 0; ; offset += page {
		got, err := s.talk(ctx, []command{{"command": "listClients", "verbose": true, "count": page, "offset": offset}})
		if err != nil {
			return nil, err
		}
		if got[0].Error != "" {
			return nil, fmt.Errorf("list the broker's clients: %s", got[0].Error)
		}
		for _, c := range got[0].Data.Clients {
			if c.Textname == made {
				names = append(names, c.Username)
			}
		}
		if len(got[0].Data.Clients) < page {
			return names, nil
		}
	}
}

// Apply implements credentials.Sink.
func (s *Sink) Apply(ctx context.Context, changes []credentials.Change) ([]error, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	var commands []command
	var whose []int
	for i, c := range changes {
		for _, one := range commandsFor(c) {
			commands, whose = append(commands, one), append(whose, i)
		}
	}
	answers, err := s.talk(ctx, commands)
	if err != nil {
		return nil, err
	}
	failed := make([]error, len(changes))
	for i, a := range answers {
		if failed[whose[i]] == nil && a.Error != "" && !harmless(a) {
			failed[whose[i]] = fmt.Errorf("%s: %s", a.Command, a.Error)
		}
	}
	return failed, nil
}

// harmless are refusals that say that things are as they should be.
func harmless(a answer) bool {
	switch a.Command {
	case "deleteClient":
		return strings.Contains(a.Error, "not found")
	case "createRole":
		return strings.Contains(a.Error, "already exists")
	}
	return false
}

// commandsFor makes a user anew, which ends its connections too: an old secret
// must not live on in one.
func commandsFor(c credentials.Change) []command {
	drop := command{"command": "deleteClient", "username": c.Username}
	if c.Secret == "" {
		return []command{drop}
	}
	role := "device-" + c.Code
	return []command{
		drop,
		{"command": "createRole", "rolename": role},
		{"command": "modifyRole", "rolename": role, "textname": made, "acls": rights(c.Code)},
		{"command": "createClient", "username": c.Username, "password": c.Secret, "clientid": c.Code, "textname": made,
			"roles": []command{{"rolename": role}}},
	}
}

// rights are a device's: to send under its own name, but no commands, and to
// hear those that are meant for it. Mosquitto checks a will by the same list.
// Each device has a role of its own because Mosquitto before 2.1 reads no %u
// in the plugin's topics.
func rights(code string) []command {
	own := "cityhub/v1/" + code
	return []command{
		{"acltype": "publishClientSend", "topic": own + "/#", "priority": 0, "allow": true},
		{"acltype": "publishClientSend", "topic": own + "/commands", "priority": 1, "allow": false},
		{"acltype": "subscribeLiteral", "topic": own + "/commands", "priority": 0, "allow": true},
		{"acltype": "publishClientReceive", "topic": own + "/commands", "priority": 0, "allow": true},
	}
}
