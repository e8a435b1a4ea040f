package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"
	_ "time/tzdata" // calendar windows must not hang on what a container image ships
)

// serveCommand holds the settings of a running hub.
type serveCommand struct {
	Data string `help:"Folder for the hub's own files." default:"./data" type:"path"`
	HTTP string `name:"http" help:"Address of the API and the web pages." default:"127.0.0.1:8080"`
	Ops  string `help:"Address of /livez, /readyz and /metrics." default:"127.0.0.1:9090"`

	PublicURL        string `name:"public-url" help:"Address under which people reach the hub, for links; that of --http when absent."`
	Attribution      string `help:"Whose data the map shows, as maps that draw the hub's tiles write it on their edge."`
	OIDCIssuer       string `name:"oidc-issuer" help:"Provider of identities (OpenID Connect) that people may sign in by, exactly as it writes itself."`
	OIDCClientID     string `name:"oidc-client-id" help:"The hub's client id at the provider."`
	OIDCClientSecret string `name:"oidc-client-secret" help:"Its secret; give it as CITYHUB_OIDC_CLIENT_SECRET or CITYHUB_OIDC_CLIENT_SECRET_FILE." hidden:""`
	OIDCDefaultRole  string `name:"oidc-default-role" help:"Role of whoever signs in by the provider and has no account yet: viewer, technician or operator; without it they are not let in."`
	OIDCDefaultOrg   string `name:"oidc-default-org" help:"The organisation, by code, that the default role is in."`

	TrustedProxies []string `name:"trusted-proxies" help:"Addresses or networks of reverse proxies whose X-Forwarded-For, -Proto and -Host count." placeholder:"CIDR"`
	RateAnonymous  float64  `name:"rate-anonymous" help:"Requests a second from one address without an account, six seconds' worth at once; 0: no limit." default:"10"`
	RateUsers      float64  `name:"rate-users" help:"The same for one user." default:"100"`
	RateKeys       float64  `name:"rate-keys" help:"The same for one API key or device." default:"50"`

	LiveClients     int `help:"Most live streams that may be open." default:"2000"`
	LiveClientsEach int `help:"Most of them that one user, key or address without an account may have." default:"100"`

	MQTTListen   string `name:"mqtt-listen" help:"Address of the embedded broker; not with --mqtt-url." default:"127.0.0.1:1883"`
	MQTTURL      string `name:"mqtt-url" help:"Broker to take readings from, such as tcp://mosquitto:1883 or mqtts://…; without it the embedded broker runs."`
	MQTTClientID string `name:"mqtt-client-id" help:"Client id at the broker; it names the persistent session." default:"cityhub"`
	MQTTUsername string `name:"mqtt-username" help:"User at the broker."`
	MQTTPassword string `name:"mqtt-password" help:"Password at the broker; better as CITYHUB_MQTT_PASSWORD_FILE." hidden:""`
	MQTTRoutes   string `name:"mqtt-routes" help:"YAML file with routes (name, filter, format) instead of the built-in ones." type:"path"`

	MQTTAnonymous     bool   `name:"mqtt-anonymous" help:"Let everybody publish for every device at the embedded broker; on a loopback address only, for trying things out."`
	MQTTAdminUsername string `name:"mqtt-admin-username" help:"User at the broker of --mqtt-url who may change its dynamic security settings: the hub then tells the broker of devices and their secrets."`
	MQTTAdminPassword string `name:"mqtt-admin-password" help:"Its password; better as CITYHUB_MQTT_ADMIN_PASSWORD_FILE." hidden:""`

	DeviceMessages float64 `name:"device-messages" help:"Messages a second that one device may send; 0: no limit." default:"100"`
	DeviceBurst    float64 `name:"device-burst" help:"Messages that it may send at once after a pause." default:"2000"`
	DeviceBytes    float64 `name:"device-bytes" help:"Bytes a second that it may send, and 64 times as many at once; 0: no limit." default:"262144"`
	DeviceNames    int     `name:"device-names" help:"Different keys that its payloads may have within an hour; 0: no limit." default:"200"`

	InfluxURL    string `name:"influx-url" help:"InfluxDB 2 to keep time series in; without it the embedded archive does."`
	InfluxOrg    string `name:"influx-org" help:"Organisation in InfluxDB." default:"cityhub"`
	InfluxBucket string `name:"influx-bucket" help:"Raw bucket; …_hourly and …_daily stand beside it." default:"cityhub"`
	InfluxToken  string `name:"influx-token" help:"Token; give it as CITYHUB_INFLUX_TOKEN or CITYHUB_INFLUX_TOKEN_FILE." hidden:""`

	PostgresURL string `name:"postgres-url" help:"PostgreSQL to keep the registry in; without it an embedded SQLite does. Better as CITYHUB_POSTGRES_URL_FILE when it holds a password."`

	TimeZone     string        `name:"time-zone" help:"The city's time zone: days and months are cut in it, so it must be whole hours from UTC." default:"Asia/Ho_Chi_Minh"`
	RawRetention time.Duration `name:"raw-retention" help:"How long single readings are kept, and how old a reading may be." default:"8760h"`
	SpoolBytes   int64         `name:"spool-bytes" help:"Most bytes that may wait on disk for the archive." default:"17179869184"`
	SpoolReserve int64         `name:"spool-reserve" help:"Free bytes on the disk that the spool never uses up." default:"268435456"`
	LogFormat    string        `name:"log-format" help:"text or json." enum:"text,json" default:"text"`
}

// check refuses settings that cannot work together, with the mend.
func (s *serveCommand) check() error {
	var all []error
	refuse := func(flag, format string, args ...any) {
		all = append(all, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	s.checkZone(time.Now(), refuse)
	for flag, address := range map[string]string{"http": s.HTTP, "ops": s.Ops, "mqtt-listen": s.MQTTListen} {
		if flag == "mqtt-listen" && s.MQTTURL != "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			refuse(flag, "%q is not HOST:PORT", address)
		} else if flag == "mqtt-listen" && s.MQTTAnonymous && !loopback(host) {
			refuse(flag, "%q is reachable from other machines; with --mqtt-anonymous use 127.0.0.1", address)
		}
	}
	if _, err := networks(s.TrustedProxies); err != nil {
		refuse("trusted-proxies", "%v", err)
	}
	for flag, address := range map[string]string{"public-url": s.PublicURL, "mqtt-url": s.MQTTURL, "influx-url": s.InfluxURL, "postgres-url": s.PostgresURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme == "" || u.Host == "") {
			refuse(flag, "is not a URL with scheme and host")
		}
	}
	s.checkSignOn(refuse)
	if s.InfluxURL != "" && s.InfluxToken == "" {
		refuse("influx-url", "needs a token in CITYHUB_INFLUX_TOKEN or CITYHUB_INFLUX_TOKEN_FILE")
	}
	if s.MQTTAdminUsername != "" && s.MQTTURL == "" {
		refuse("mqtt-admin-username", "is for a broker of --mqtt-url; the embedded one needs none")
	}
	if (s.MQTTAdminUsername == "") != (s.MQTTAdminPassword == "") {
		refuse("mqtt-admin-username", "goes with a password in CITYHUB_MQTT_ADMIN_PASSWORD or CITYHUB_MQTT_ADMIN_PASSWORD_FILE")
	}
	if s.LiveClients < 1 {
		refuse("live-clients", "%d lets nobody follow the map; give 1 or more", s.LiveClients)
	}
	if s.LiveClientsEach < 1 {
		refuse("live-clients-each", "%d lets nobody follow the map; give 1 or more", s.LiveClientsEach)
	}
	if s.RawRetention < time.Hour {
		refuse("raw-retention", "%s is less than an hour", s.RawRetention)
	}
	return errors.Join(all...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Run serves until it is told to stop.
func (s *serveCommand) Run(ctx context.Context, c *console) error {
	if err := s.check(); err != nil {
		return err
	}
	var handler slog.Handler = slog.NewTextHandler(c.err, nil)
	if s.LogFormat == "json" {
		handler = slog.NewJSONHandler(c.err, nil)
	}
	return serve(ctx, s, slog.New(handler), c.out)
}

// configCommands are the subcommands of config.
type configCommands struct {
	Check checkCommand `cmd:"" help:"Say whether cityhub serve would accept these settings."`
}

type checkCommand struct {
	serveCommand
}

// Run checks and prints nothing secret.
func (k *checkCommand) Run(_ context.Context, c *console) error {
	if err := k.check(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "The settings are fine.")
	return err
}
