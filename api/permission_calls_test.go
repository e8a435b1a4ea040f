package api_test

import (
	"fmt"
	"strings"
)

// A call says how the permission suite calls one operation on a target.
type call struct {
	// path fills the address's parameters; the query comes with it.
	path func(w *world, x *target) string
	// body is JSON; nil for none. Every body is one that succeeds.
	body func(w *world, x *target) string
	// sees tells whether an answer of a list has the target in it; nil for a
	// call on one entity, which is hidden as 404.
	sees func(x *target, answer string) bool
	// refused: a call that names what is out of scope in its body may be
	// refused as invalid instead of not found.
	refused bool
	// fixed: what a technician may not do, though the row lets them write.
	fixed bool
	// personal: whose it is sees it, not their organisation.
	personal bool
	// inner: publishing readings does not open it.
	inner bool
	// granted: it is inner, but what is granted may be seen.
	granted bool
	// self: a device may do it to itself.
	self bool
	// shared: nothing of it belongs to an organisation.
	shared bool
	// answers are the refusals that who may do it gets, for what the body or
	// address says and whoever asks.
	answers []int
	// form is the content type where that is not JSON.
	form string
}

func address(format string, value func(x *target) any) func(*world, *target) string {
	return func(_ *world, x *target) string { return fmt.Sprintf(format, value(x)) }
}

func plainly(path string) func(*world, *target) string {
	return func(*world, *target) string { return path }
}

func text(format string, values ...func(x *target) any) func(*world, *target) string {
	return func(_ *world, x *target) string {
		all := make([]any, len(values))
		for i, value := range values {
			all[i] = value(x)
		}
		return fmt.Sprintf(format, all...)
	}
}

func marked(x *target, answer string) bool { return strings.Contains(answer, x.mark) }

func withID(id func(x *target) any) func(*target, string) bool {
	return func(x *target, answer string) bool {
		return strings.Contains(answer, fmt.Sprintf(`"id":%d,`, id(x)))
	}
}

// What the calls ask for.
func thing(x *target) any       { return x.thing.ID }
func place(x *target) any       { return x.thing.LocationID }
func device(x *target) any      { return x.device.ID }
func spare(x *target) any       { return x.spare.ID }
func spareCode(x *target) any   { return x.spare.Code }
func deployment(x *target) any  { return x.deployment }
func datastream(x *target) any  { return x.stream.ID }
func observation(x *target) any { return x.observation }
func quarantined(x *target) any { return x.quarantined }
func mark(x *target) any        { return x.mark }
func code(x *target) any        { return x.code }
func thingCode(x *target) any   { return x.thing.Code }

func deviceCode(x *target) any { return x.device.Code }
func grant(x *target) any      { return x.grant }

func made(format string, make func(*world, *target) int64) func(*world, *target) string {
	return func(w *world, x *target) string { return fmt.Sprintf(format, make(w, x)) }
}

// The forms that are sent.
const (
	pictureForm = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n" + pixel + "\r\n--xx--\r\n"
	pixel       = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\fIDAT\x08\xd7c\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\x18\xdd\x8d\xb0\x00\x00\x00\x00IEND\xaeB`\x82"

	devicesFile = "--xx\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\ndevices\r\n--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\ndevice,model\r\n\r\n--xx--\r\n"
)

const since = "datetime=2020-01-01T00:00:00Z/.."

// calls has every operation of the API by its id. One that is missing fails
// the suite.
var calls = map[string]call{
	"list-organisations":       {path: plainly("/organisations"), shared: true},
	"get-organisation":         {path: plainly("/organisations/1"), shared: true},
	"create-organisation":      {path: plainly("/organisations"), body: text(`{"code":"%snew"}`, mark), shared: true},
	"edit-organisation":        {path: plainly("/organisations/1"), body: plainly(`{"name":"x"}`), shared: true},
	"delete-organisation":      {path: plainly("/organisations/999999"), shared: true, answers: []int{404}},
	"list-sensors":             {path: plainly("/sensors"), shared: true},
	"get-sensor":               {path: plainly("/sensors/1"), shared: true},
	"create-sensor":            {path: plainly("/sensors"), body: text(`{"code":"%snew","channels":[{"key":"a","property":"pm25"}]}`, mark), shared: true},
	"edit-sensor":              {path: plainly("/sensors/1"), body: plainly(`{"name":"x"}`), shared: true},
	"delete-sensor":            {path: plainly("/sensors/999999"), shared: true, answers: []int{404}},
	"try-codec":                {path: plainly("/codecs/try"), body: plainly(`{"model":"air","payload":{"values":{"pm25":1}}}`), shared: true},
	"try-sensor":               {path: plainly("/sensors/1/decode"), body: plainly(`{"payload":{"values":{"pm25":1}}}`), shared: true},
	"get-model-schema":         {path: plainly("/schemas/model"), shared: true},
	"list-observed-properties": {path: plainly("/observed-properties"), shared: true},
	"get-observed-property":    {path: plainly("/observed-properties/1"), shared: true},
	"create-observed-property": {path: plainly("/observed-properties"), body: func(w *world, x *target) string {
		return `{"code":"p` + strings.ReplaceAll(strings.TrimSuffix(x.mark, "-"), "-", "_") + `"}`
	}, shared: true},
	"edit-observed-property":   {path: plainly("/observed-properties/1"), body: plainly(`{"name":"x"}`), shared: true},
	"delete-observed-property": {path: plainly("/observed-properties/999999"), shared: true, answers: []int{404}},

	"list-things":  {path: address("/things?limit=1000&code=%s", thingCode), sees: marked},
	"get-thing":    {path: address("/things/%d", thing)},
	"create-thing": {path: plainly("/things"), body: text(`{"code":"%snew","organisation":"%s"}`, mark, code), refused: true},
	"edit-thing":   {path: address("/things/%d", thing), body: plainly(`{"description":"x"}`)},
	"delete-thing": {path: func(w *world, x *target) string { return fmt.Sprintf("/things/%d", w.bare(x)) }, fixed: true},

	"get-track": {path: address("/things/%d/track?"+since, thing), inner: true, granted: true},

	"list-geofences": {path: made("/geofences?limit=1000&after=&zone=%d", (*world).fenced), sees: marked},
	"get-geofence":   {path: made("/geofences/%d", (*world).fence)},
	"create-geofence": {path: plainly("/geofences"), body: func(w *world, x *target) string {
		return fmt.Sprintf(`{"code":"%snew","zone":"%d","organisation":"%s"}`, x.mark, w.zone(), x.code)
	}, refused: true},
	"edit-geofence":        {path: made("/geofences/%d", (*world).fence), body: plainly(`{"distance":5}`)},
	"delete-geofence":      {path: made("/geofences/%d", (*world).fence)},
	"list-geofence-events": {path: made("/geofence-events?limit=1000&fence=%d", (*world).crossed), sees: func(x *target, answer string) bool { return strings.Contains(answer, x.mark) }},

	"list-locations":  {path: plainly("/locations?limit=1000"), sees: withID(place)},
	"get-location":    {path: address("/locations/%d", place)},
	"create-location": {path: plainly("/locations"), body: plainly(`{"name":"x","position":[105,21]}`), shared: true},
	"edit-location":   {path: address("/locations/%d", place), body: plainly(`{"name":"x"}`), fixed: true},
	"delete-location": {path: address("/locations/%d", place), fixed: true, answers: []int{409}},

	"list-devices": {path: plainly("/devices?limit=1000"), sees: marked},
	"get-device":   {path: address("/devices/%d", device)},

	"get-device-proof":      {path: address("/devices/%d/proof", device)},
	"get-device-proof-live": {path: address("/devices/%d/proof/live", device)},

	"create-device": {path: plainly("/devices"), body: text(`{"code":"%snew","model":"air","organisation":"%s"}`, mark, code), refused: true},
	"edit-device":   {path: address("/devices/%d", device), body: plainly(`{"serial":"x"}`)},
	"delete-device": {path: address("/devices/%d", spare), fixed: true},

	"list-deployments":  {path: plainly("/deployments?limit=1000"), sees: withID(deployment)},
	"get-deployment":    {path: address("/deployments/%d", deployment)},
	"create-deployment": {path: plainly("/deployments"), body: text(`{"device":"%s","thing":"%s"}`, spareCode, thingCode), refused: true},
	"edit-deployment":   {path: address("/deployments/%d", deployment), body: plainly(`{"from":"2020-01-01T00:00:00Z"}`)},
	"delete-deployment": {path: address("/deployments/%d", deployment), fixed: true},

	"list-datastreams":  {path: plainly("/datastreams?limit=1000"), sees: marked},
	"get-datastream":    {path: address("/datastreams/%d", datastream)},
	"edit-datastream":   {path: address("/datastreams/%d", datastream), body: plainly(`{"name":"x"}`)},
	"delete-datastream": {path: address("/datastreams/%d", datastream), fixed: true},

	"list-observations":    {path: address("/datastreams/%d/observations?"+since, datastream)},
	"get-observation":      {path: address("/observations/%d", observation)},
	"list-aggregates":      {path: address("/datastreams/%d/aggregates?window=PT1H&fn=mean", datastream)},
	"list-zones":           {path: plainly("/zones"), shared: true},
	"get-zones-at":         {path: plainly("/zones/at?lon=105&lat=21"), shared: true},
	"get-zone-statistics":  {path: plainly("/zones/statistics?kind=ward&property=pm25"), shared: true}, // see TestZoneStatisticsObeyTheirBounds
	"get-zone":             {path: plainly("/zones/999999"), shared: true, answers: []int{404}},
	"create-zone":          {path: plainly("/zones"), body: text(`{"code":"%sz","kind":"ward"}`, mark), shared: true},
	"edit-zone":            {path: plainly("/zones/999999"), body: plainly(`{"name":"x"}`), shared: true, answers: []int{404}},
	"delete-zone":          {path: plainly("/zones/999999"), shared: true, answers: []int{404}},
	"list-zone-versions":   {path: plainly("/zones/999999/versions"), shared: true, answers: []int{404}},
	"create-zone-version":  {path: plainly("/zones/999999/versions"), body: plainly(`{"from":"2025-07-01","geometry":null}`), shared: true, answers: []int{404}},
	"delete-zone-version":  {path: plainly("/zones/999999/versions/1"), shared: true, answers: []int{404}},
	"get-zone-tile":        {path: plainly("/tiles/zones/0/0/0.mvt?kind=ward"), shared: true},
	"get-zone-tilejson":    {path: plainly("/tiles/zones.json?kind=ward"), shared: true},
	"get-station-tilejson": {path: plainly("/tiles/stations.json?property=pm25"), shared: true}, // see TestTileJSONIsOfWhatTheCallerSees
	"get-map-clusters":     {path: plainly("/map/clusters?property=pm25&zoom=24"), sees: marked},
	"get-station-tile":     {path: plainly("/tiles/stations/0/0/0.mvt?property=pm25"), shared: true}, // one cluster: see TestClustersCountWhatTheCallerMayRead

	"get-latest":          {path: plainly("/latest?property=pm25"), sees: marked},
	"list-map-properties": {path: plainly("/map/properties"), shared: true},
	"get-thing-latest":    {path: address("/things/%d/latest", thing)},
	"get-playback":        {path: plainly("/playback?property=pm25"), sees: marked},
	"get-live":            {path: plainly("/live?property=pm25"), sees: marked},

	"list-quarantine":         {path: plainly("/quarantine?limit=1000"), sees: marked},
	"get-quarantined":         {path: address("/quarantine/%d", quarantined)},
	"get-quarantined-payload": {path: address("/quarantine/%d/payload", quarantined)},
	"replay-quarantine":       {path: plainly("/quarantine/replay"), body: text(`{"ids":[%d]}`, quarantined)},

	"list-users":  {path: plainly("/users?limit=1000"), sees: marked},
	"get-user":    {path: made("/users/%d", (*world).user)},
	"create-user": {path: plainly("/users"), body: text(`{"name":"%snew","roles":[{"role":"viewer","organisation":"%s"}]}`, mark, code), refused: true},
	"edit-user":   {path: made("/users/%d", (*world).user), body: plainly(`{"fullName":"x"}`)},
	"delete-user": {path: made("/users/%d", (*world).user)},
	"list-roles":  {path: made("/users/%d/roles", (*world).user)},
	"create-role": {path: made("/users/%d/roles", (*world).user), body: text(`{"role":"operator","organisation":"%s"}`, code)},
	"delete-role": {path: func(w *world, x *target) string { return fmt.Sprintf("/users/%d/roles/%d", w.user(x), x.role) }},

	"list-keys":  {path: plainly("/keys?limit=1000"), sees: marked},
	"get-key":    {path: made("/keys/%d", (*world).keyOf)},
	"create-key": {path: plainly("/keys"), body: text(`{"name":"%snew","role":"viewer","organisation":"%s"}`, mark, code), refused: true},
	"delete-key": {path: made("/keys/%d", (*world).keyOf)},

	"list-grants":  {path: func(w *world, x *target) string { w.grant(x); return "/grants?limit=1000" }, sees: withID(grant)},
	"get-grant":    {path: made("/grants/%d", (*world).grant)},
	"create-grant": {path: plainly("/grants"), body: text(`{"owner":"%s","reader":"org-far","thing":%d}`, code, thing), refused: true},
	"delete-grant": {path: made("/grants/%d", (*world).grant)},

	"get-session":      {path: plainly("/session"), shared: true},
	"sign-in":          {path: plainly("/session"), body: plainly(`{"name":""}`), shared: true, answers: []int{422}},
	"sign-out":         {path: plainly("/session"), shared: true, answers: []int{409}},
	"set-up":           {path: plainly("/setup"), body: plainly(`{"token":""}`), shared: true, answers: []int{422}},
	"sign-on":          {path: plainly("/session/oidc"), shared: true, answers: []int{404}},
	"sign-on-callback": {path: plainly("/session/oidc/callback"), shared: true, answers: []int{404}},
	"change-password":  {path: plainly("/session/password"), body: plainly(`{"current":"a"}`), shared: true, answers: []int{422}},

	"list-visits":        {path: func(w *world, x *target) string { w.visit(x); return "/visits?limit=1000" }, sees: marked},
	"get-visit":          {path: made("/visits/%d", (*world).visit)},
	"open-visit":         {path: plainly("/visits"), body: text(`{"thing":"%s"}`, thingCode), refused: true},
	"edit-visit":         {path: made("/visits/%d", (*world).visit), body: plainly(`{"reason":"x"}`)},
	"close-visit":        {path: made("/visits/%d/close", (*world).visit), body: plainly(`{}`)},
	"add-visit-note":     {path: made("/visits/%d/notes", (*world).visit), body: plainly(`{"text":"x"}`)},
	"add-visit-photo":    {path: made("/visits/%d/photos", (*world).visit), body: plainly(pictureForm), form: "multipart/form-data; boundary=xx"},
	"get-visit-photo":    {path: func(w *world, x *target) string { return fmt.Sprintf("/visits/%d/photos/%d", w.visit(x), x.photo) }},
	"delete-visit-photo": {path: func(w *world, x *target) string { return fmt.Sprintf("/visits/%d/photos/%d", w.visit(x), x.photo) }},

	"claim-device": {path: made("/devices/%d/claim", (*world).inStock), refused: true, body: func(w *world, x *target) string {
		return fmt.Sprintf(`{"code":"%s","organisation":"%s"}`, w.claimCode(x), x.code)
	}},
	"claim-by-label": {path: plainly("/claims"), refused: true, body: func(w *world, x *target) string {
		return fmt.Sprintf(`{"serial":"%sstock","code":"%s","organisation":"%s"}`, x.mark, w.claimCode(x), x.code)
	}},
	"make-claim-code":   {path: address("/devices/%d/claim-codes", spare)},
	"get-label":         {path: address("/devices/%d/label", device)},
	"make-labels":       {path: plainly("/labels"), body: text(`{"devices":["%s"]}`, deviceCode), refused: true},
	"read-label":        {path: plainly("/labels/read"), body: text(`{"text":"https://hub.example/d/%s"}`, deviceCode), sees: withID(device)},
	"rotate-credential": {path: address("/devices/%d/credentials", device), self: true},
	"revoke-credential": {path: address("/devices/%d/credentials", device), self: true},
	"publish":           {path: plainly("/publications"), body: text(`{"publication":"internal","thing":%d}`, thing), refused: true},
	"start-import":      {path: plainly("/imports"), body: plainly(devicesFile), form: "multipart/form-data; boundary=xx", shared: true},
	"ingest":            {path: plainly("/ingest"), body: text(`{"device":"%s","values":{"pm25":1}}`, deviceCode), refused: true, self: true},

	"list-imports":    {path: func(w *world, x *target) string { w.importOf(x); return "/imports" }, sees: marked, personal: true},
	"get-import":      {path: func(w *world, x *target) string { return "/imports/" + w.importOf(x) }, personal: true},
	"get-import-rows": {path: func(w *world, x *target) string { return "/imports/" + w.importOf(x) + "/rows.csv" }, personal: true},
	"export-devices":  {path: plainly("/devices/export?format=csv"), sees: marked},

	"deploy-device":      {path: address("/devices/%d/deploy", spare), body: text(`{"thing":"%s"}`, thingCode), refused: true},
	"recall-device":      {path: address("/devices/%d/recall", device), body: plainly(`{}`)},
	"replace-device":     {path: address("/devices/%d/replace", device), body: text(`{"with":"%s"}`, spareCode), refused: true},
	"maintenance-device": {path: address("/devices/%d/maintenance", device), body: plainly(`{"action":"begin"}`)},
	"retire-device":      {path: address("/devices/%d/retire", spare), body: plainly(`{}`)},
	"hand-over-device":   {path: address("/devices/%d/hand-over", device), body: plainly(`{"to":"org-far","things":true}`)},
	"list-device-events": {path: address("/devices/%d/events", device), inner: true},

	"list-audit": {path: address("/audit?limit=1000&noun=thing&entity=%d", thing), sees: marked},
	"get-status": {path: plainly("/status"), shared: true},
}
