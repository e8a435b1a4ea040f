package architecture

// room is a part of the house: a folder with all below it that is no room of
// its own. Arrows point down only, so a room lists the rooms it may import and
// everything else is forbidden.
type room struct {
	path string   // below the module; the longest that fits a package is its room
	may  []string // rooms whose packages it may import
	why  string   // said when it imports another
}

// Sets of rooms that are imported together.
var (
	nouns = []string{"devices", "geo", "access"}
	leaf  = append([]string{"telemetry"}, nouns...)
)

// rooms is the table of the house; a package outside all of them is an error.
var rooms = []room{
	{path: "geo", why: "places know nothing of the city that is built on them"},
	{path: "access", why: "who may do what is decided without knowing what is done"},
	{path: "access/oidc", may: []string{"access"}, why: "a provider tells who somebody is; whose account that is, and what it may do, is not its business"},
	{path: "idempotency", why: "which answer belongs to which key is decided without knowing what was asked"},
	{path: "web", why: "the pages reach the API as an fs.FS and over HTTP, never by import"},

	{path: "sheet", why: "a table of text knows nothing of what stands in it"},

	{path: "devices", may: []string{"geo", "access", "sheet"},
		why: "the registry knows what stands where, not what it measures or how that travels"},

	{path: "devices/labels", may: nouns, why: "a label is drawn and read from what is said of a device"},
	{path: "devices/photos", may: nouns, why: "pictures are bytes on a disk; whose they are is the registry's business"},

	{path: "imports", may: append([]string{"sheet"}, nouns...),
		why: "files are worked off by asking the registry; who sends them and how is not their business"},

	{path: "telemetry", may: nouns,
		why: "the way of a reading sees stores, brokers and pages only through its own small interfaces"},
	{path: "telemetry/archivetest", may: leaf, why: "the suite asks any archive, so it knows none"},
	{path: "telemetry/influx", may: leaf, why: "a leaf serves its noun and knows no other leaf"},
	{path: "telemetry/sqlite", may: leaf, why: "a leaf serves its noun and knows no other leaf"},
	{path: "telemetry/statistics", may: leaf, why: "what readings say over zones and spans is worked out from the history; who asks, and how it is shown, is not its business"},
	{path: "telemetry/spool", may: []string{"telemetry"}, why: "the spool keeps bytes in order; it knows no reading"},

	{path: "alerts", may: leaf,
		why: "alarms follow readings; who shows or sends them is not their business"},

	{path: "broker-bridge", may: append([]string{"broker-bridge/payload", "broker-bridge/inflight", "broker-bridge/socket", "broker-bridge/demux"}, leaf...),
		why: "the bridge turns messages into readings: it knows neither pages nor stores, and of its parts only those without a library of their own"},
	{path: "broker-bridge/payload", may: leaf, why: "decoders are pure: bytes in, measurements out"},
	{path: "broker-bridge/codec", may: append([]string{"broker-bridge/payload"}, leaf...), why: "codecs are pure: bytes in, values out"},
	{path: "broker-bridge/embedded", may: append([]string{"broker-bridge", "broker-bridge/payload", "broker-bridge/inflight", "broker-bridge/socket"}, leaf...),
		why: "the embedded broker is one more edge to the same pipeline"},
	{path: "broker-bridge/dynsec", may: nouns, why: "it tells a broker who may come in; messages are not its business"},
	{path: "broker-bridge/inflight", why: "a window of messages knows neither readings nor clients"},
	{path: "broker-bridge/demux", why: "framing knows neither readings nor sockets"},
	{path: "broker-bridge/socket", why: "a buffered socket knows nothing but bytes"},

	{path: "database", may: append([]string{"alerts", "idempotency"}, leaf...),
		why: "the SQL room implements the nouns' stores and serves nobody else"},

	{path: "api", may: append([]string{"access/oidc", "alerts", "devices/labels", "imports", "idempotency", "telemetry/statistics", "api/citymap", "api/live"}, leaf...),
		why: "pages ask nouns: broker, stores and sibling surfaces are wired by cmd/cityhub"},
	{path: "api/citymap", may: leaf, why: "the map shows newest values; how they are asked for, told and kept is not its business"},
	{path: "api/live", may: append([]string{"api/citymap"}, leaf...), why: "the live stream tells what the map shows; how it is asked for and where readings come from is not its business"},
	{path: "api/sensorthings", may: append([]string{"api", "alerts"}, leaf...), why: "a surface asks nouns and borrows the API's manners"},
	{path: "api/features", may: append([]string{"api", "alerts"}, leaf...), why: "a surface asks nouns and borrows the API's manners"},
	{path: "api/opendata", may: append([]string{"api", "alerts"}, leaf...), why: "a surface asks nouns and borrows the API's manners"},

	{path: "examples", why: "what is shipped as an example knows no code"},

	{path: "cmd/cityhub", may: []string{"examples", "imports", "geo", "access", "access/oidc", "idempotency", "web", "devices", "devices/photos", "telemetry", "telemetry/influx", "telemetry/sqlite",
		"telemetry/spool", "alerts", "broker-bridge", "broker-bridge/payload", "broker-bridge/codec", "broker-bridge/embedded", "broker-bridge/dynsec",
		"database", "api", "api/sensorthings", "api/features", "api/opendata"},
		why: "it wires the hub; parts for tests, and parts of parts, are not its business"},
	{path: "cmd/citysim", why: "the simulated city is an outsider: what it sends must be what the documents say, not what the code happens to share"},

	{path: "deploy", why: "how the hub is shipped stands beside the house"},
	{path: "testbed", why: "tests get real parts, whatever the hub makes of them"},
	{path: "trials", why: "trials run the programs as a city would: what they know, any outsider can know"},
	{path: "scripts", why: "tools of the workshop stand beside the house"},
	{path: "architecture", why: "rules stand outside what they rule"},
}

// besides are single arrows that the table forbids and that stay all the same,
// "importer → imported", each with its reason.
var besides = map[string]string{
	"broker-bridge → broker-bridge/codec": "it borrows the types Uplink and Result of its Runner interface; cmd/cityhub makes the runner",
}
