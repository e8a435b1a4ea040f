package architecture

// library is a module path that only some rooms may import.
type library struct {
	path   string   // and all below it
	owners []string // rooms; one that ends in "/…" means the rooms below too
	why    string
}

// libraries is the column "alone owns". So a library can be changed in one room.
var libraries = []library{
	{"github.com/paulmach/orb", []string{"geo"}, "geometry goes about the house as geo.Position and geo.Window"},
	{"github.com/tidwall/rtree", []string{"geo"}, "the spatial index is geo's"},
	{"github.com/peterstace/simplefeatures", []string{"geo"}, "topology is geo's"},
	{"github.com/eclipse/paho.mqtt.golang", []string{"broker-bridge", "broker-bridge/dynsec", "cmd/citysim"}, "MQTT ends at the bridge; the simulator is a client of its own"},
	{"github.com/mochi-mqtt/server", []string{"broker-bridge/embedded"}, "the embedded broker can be exchanged only while one room knows it"},
	{"modernc.org/quickjs", []string{"broker-bridge/codec"}, "vendors' JavaScript runs in one guarded room"},
	{"github.com/santhosh-tekuri/jsonschema", []string{"devices"}, "model files are held against their schema where they are read"},
	{"github.com/fxamacker/cbor", []string{"broker-bridge/payload"}, "payload formats are the decoders' business"},
	{"github.com/influxdata", []string{"telemetry/influx"}, "the archive is telemetry.Archive to everybody else"},
	{"github.com/cockroachdb/pebble", []string{"telemetry/spool"}, "the spool's engine is the spool's"},
	{"modernc.org/sqlite", []string{"telemetry/sqlite", "database"}, "SQL is spoken in two rooms: the embedded archive and the registry's store"},
	{"github.com/uptrace/bun", []string{"database"}, "SQL is the database room's"},
	{"github.com/pressly/goose", []string{"database"}, "migrations are the database room's"},
	{"github.com/jackc/pgx", []string{"database"}, "PostgreSQL is the database room's"},
	{"github.com/xuri/excelize", []string{"sheet"}, "spreadsheets are rows of text to everybody else"},
	{"github.com/gofiber", []string{"api/…"}, "the HTTP server is the API's"},
	{"github.com/valyala/fasthttp", []string{"api/…"}, "the HTTP server is the API's"},
	{"github.com/danielgtaylor/huma", []string{"api/…"}, "typed handlers are the API's"},
	{"github.com/expr-lang/expr", []string{"alerts"}, "alarm expressions are the rules' language"},
	{"github.com/boombuler/barcode", []string{"devices/labels"}, "labels are drawn in one place"},
	{"github.com/go-pdf/fpdf", []string{"devices/labels"}, "labels are drawn in one place"},
	{"github.com/go-fonts/dejavu", []string{"devices/labels"}, "labels are drawn in one place"},
	{"golang.org/x/crypto", []string{"access"}, "passwords and keys are hashed in one room"},
	{"github.com/coreos/go-oidc", []string{"access/oidc"}, "providers of identities are asked in one room"},
	{"golang.org/x/oauth2", []string{"access/oidc"}, "providers of identities are asked in one room"},
	{"github.com/alecthomas/kong", []string{"cmd/cityhub", "cmd/citysim"}, "command lines are read by commands"},
	{"github.com/knadh/koanf", []string{"cmd/cityhub"}, "settings are read once and passed in"},
	{"github.com/schollz/progressbar", []string{"cmd/cityhub", "cmd/citysim"}, "only commands talk to a terminal"},
	{"testing", []string{"testbed", "telemetry/archivetest"}, "tests stay out of the programs"},
	{"flag", []string{"testbed/…", "scripts/…", "cmd/citysim", "cmd/cityhub"}, "command lines are read by commands"},
}

// never are imports that a room must do without, beyond what libraries says.
var never = []struct {
	room, path, why string
}{
	{"geo", "net", "geometry asks nobody"},
	{"geo", "os", "geometry reads no files"},
	{"geo", "math/rand", "the same places give the same picture"},
	{"devices", "net/http", "the registry serves no network"},
	{"devices", "database/sql", "the registry knows its store as an interface"},
	{"telemetry", "net/http", "the way of a reading serves no network"},
	{"telemetry", "database/sql", "stores are leaves"},
	{"alerts", "database/sql", "alarms know their store as an interface"},
	{"api/citymap", "net/http", "the map is shown over HTTP by others"},
	{"api/live", "net/http", "streams are asked for over HTTP elsewhere; this room writes to their connections"},
	{"broker-bridge", "database/sql", "the bridge keeps nothing itself"},
}
