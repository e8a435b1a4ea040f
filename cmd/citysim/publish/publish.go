// Package publish sends a simulated city's messages over MQTT at the time at
// which they are due.
package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"cityhub/cmd/citysim/city"
)

// Options say where to.
type Options struct {
	Broker             string
	Username, Password string
	ClientID           string // beginning of the connections' ids
	Connections        int
}

// waiting is how many messages a connection may have under way. While more
// are due, the city waits: nothing is dropped.
const waiting = 1000

// counters are what the statistics line tells.
type counters struct {
	sent, acked, failed                   atomic.Int64
	late, duplicate, shuffled, outOfRange atomic.Int64
	formats                               [4]atomic.Int64
}

// Run publishes until ctx ends, then waits a little for acknowledgements. It
// writes a line of statistics to stderr every ten seconds.
func Run(ctx context.Context, o Options, sim *city.Simulator) error {
	if o.Connections < 1 {
		return fmt.Errorf("connections: %d is not at least 1", o.Connections)
	}
	var c counters
	var group sync.WaitGroup
	lines := make([]*line, o.Connections)
	for i := range lines {
		l, err := dial(ctx, o, i)
		if err != nil {
			return errors.Join(err, closeAll(lines[:i], &group))
		}
		lines[i] = l
		group.Go(func() { l.collect(&c) })
	}
	told := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() { c.tellEachTenSeconds(told) })
	send(ctx, sim, lines, &c)
	err := closeAll(lines, &group)
	close(told)
	teller.Wait()
	return err
}

// send publishes each message when it is due, and first all that are overdue.
func send(ctx context.Context, sim *city.Simulator, lines []*line, c *counters) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		m, ok := sim.Next()
		if !ok {
			<-ctx.Done()
			return
		}
		timer.Reset(time.Until(m.Due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if !lines[m.Station.Index%len(lines)].publish(ctx, m) {
			return
		}
		c.count(m)
	}
}

// line is one connection and the messages under way on it.
type line struct {
	client mqtt.Client
	tokens chan mqtt.Token
}

func dial(ctx context.Context, o Options, i int) (*line, error) {
	options := mqtt.NewClientOptions().AddBroker(o.Broker).
		SetClientID(fmt.Sprintf("%s-%d", o.ClientID, i+1)).
		SetUsername(o.Username).SetPassword(o.Password).
		SetCleanSession(true).SetResumeSubs(false).SetOrderMatters(false).
		SetAutoReconnect(true).SetMaxReconnectInterval(2 * time.Second).
		SetConnectRetry(true).SetConnectRetryInterval(time.Second).
		SetConnectTimeout(5 * time.Second).SetWriteTimeout(30 * time.Second).SetKeepAlive(30 * time.Second)
	options.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		fmt.Fprintf(os.Stderr, "connection %d lost: %v; trying again\n", i+1, err)
	})
	client := mqtt.NewClient(options)
	token := client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		client.Disconnect(0)
		return nil, fmt.Errorf("broker %s did not answer: %w", o.Broker, ctx.Err())
	case <-time.After(time.Minute):
		client.Disconnect(0)
		return nil, fmt.Errorf("broker %s did not answer for a minute", o.Broker)
	}
	if err := token.Error(); err != nil {
		return nil, fmt.Errorf("broker %s: %w", o.Broker, err)
	}
	return &line{client: client, tokens: make(chan mqtt.Token, waiting)}, nil
}

func (l *line) publish(ctx context.Context, m city.Message) bool {
	select {
	case l.tokens <- l.client.Publish(m.Topic, 1, false, m.Payload):
		return true
	case <-ctx.Done():
		return false
	}
}

// collect waits for the acknowledgements in turn, each at most for so long as
// a broker may need to come back.
func (l *line) collect(c *counters) {
	for token := range l.tokens {
		if !token.WaitTimeout(5*time.Minute) || token.Error() != nil {
			c.failed.Add(1)
			continue
		}
		c.acked.Add(1)
	}
}

// closeAll ends the connections, giving what is under way a moment.
func closeAll(lines []*line, group *sync.WaitGroup) error {
	for _, l := range lines {
		close(l.tokens)
		l.client.Disconnect(2000)
	}
	group.Wait()
	return nil
}
