package access

import "slices"

// Action is a row of the permission table.
type Action string

// The actions. A route of the API names one of them.
const (
	Public           Action = "public" // pages, the API's description, signing in: nothing of the city is in it
	Session          Action = "session"
	CatalogueRead    Action = "catalogue.read"  // organisations, models, observed properties
	CatalogueWrite   Action = "catalogue.write" // what all organisations share
	ThingRead        Action = "thing.read"
	ThingWrite       Action = "thing.write"
	DeviceClaim      Action = "device.claim"
	DeviceOperate    Action = "device.operate" // deploy, replace, recall, maintenance, retire
	DeviceHandOver   Action = "device.hand-over"
	CredentialManage Action = "credential.manage"
	ReadingRead      Action = "reading.read"
	ReadingExport    Action = "reading.export"
	ReadingWrite     Action = "reading.write"
	ReadingCorrect   Action = "reading.correct"
	ReadingPublish   Action = "reading.publish"
	ZoneEdit         Action = "zone.edit"
	AlarmView        Action = "alarm.view"
	AlarmHandle      Action = "alarm.handle"
	RuleEdit         Action = "rule.edit"
	VisitRead        Action = "visit.read"
	VisitManage      Action = "visit.manage"
	QuarantineView   Action = "quarantine.view"
	QuarantineReplay Action = "quarantine.replay"
	AccountRead      Action = "account.read"
	AccountManage    Action = "account.manage"
	AuditRead        Action = "audit.read"
	StatusRead       Action = "status.read"
	SystemManage     Action = "system.manage"
)

// Reach is how far a role's permission for an action goes.
type Reach uint8

// The reaches, from none to all.
const (
	Denied    Reach = iota
	Published       // what its owner made public
	Self            // the principal's own: a device's readings and credential
	Install         // own organisation, but of things and devices only what an installation sets
	Own             // own organisation, and for reading what is granted to it
	All             // everything
)

// Columns are the roles in the order of the table's columns.
var Columns = [...]Role{Anonymous, OpenData, Viewer, Technician, Operator, OrgAdmin, CityAdmin, Auditor, Device, Gateway}

const (
	no = Denied
	pu = Published
	me = Self
	in = Install
	ow = Own
	al = All
)

// table is the whole of the city's permissions: what is not in it is denied.
var table = map[Action][len(Columns)]Reach{
	//                 An  OD  Vw  Ft  Op  Da  Ca  Au  Dv  Gw
	Public:           {al, al, al, al, al, al, al, al, al, al},
	Session:          {no, me, me, me, me, me, me, me, no, me},
	CatalogueRead:    {al, al, al, al, al, al, al, al, no, al},
	CatalogueWrite:   {no, no, no, no, no, no, al, no, no, no},
	ThingRead:        {pu, pu, ow, ow, ow, ow, al, al, no, no},
	ThingWrite:       {no, no, no, in, no, ow, al, no, no, no},
	DeviceClaim:      {no, no, no, ow, no, ow, al, no, no, no},
	DeviceOperate:    {no, no, no, ow, no, ow, al, no, no, no},
	DeviceHandOver:   {no, no, no, no, no, ow, al, no, no, no},
	CredentialManage: {no, no, no, ow, ow, ow, al, no, me, no},
	ReadingRead:      {pu, pu, ow, ow, ow, ow, al, al, no, no},
	ReadingExport:    {pu, pu, ow, no, ow, ow, al, no, no, no},
	ReadingWrite:     {no, no, no, no, no, no, no, no, me, ow},
	ReadingCorrect:   {no, no, no, no, no, ow, al, no, no, no},
	ReadingPublish:   {no, no, no, no, no, ow, al, no, no, no},
	ZoneEdit:         {no, no, no, no, no, no, al, no, no, no},
	AlarmView:        {no, no, ow, ow, ow, ow, al, al, no, no},
	AlarmHandle:      {no, no, no, ow, ow, ow, al, no, no, no},
	RuleEdit:         {no, no, no, no, ow, ow, al, no, no, no},
	VisitRead:        {no, no, ow, ow, ow, ow, al, al, no, no},
	VisitManage:      {no, no, no, ow, no, ow, al, no, no, no},
	QuarantineView:   {no, no, no, ow, ow, ow, al, no, no, no},
	QuarantineReplay: {no, no, no, no, no, ow, al, no, no, no},
	AccountRead:      {no, no, no, no, no, ow, al, al, no, no},
	AccountManage:    {no, no, no, no, no, ow, al, no, no, no},
	AuditRead:        {no, no, no, no, no, ow, al, al, no, no},
	StatusRead:       {no, no, al, al, al, al, al, al, no, no},
	SystemManage:     {no, no, no, no, no, no, al, no, no, no},
}

// Actions are all rows of the table, sorted.
func Actions() []Action {
	var all []Action
	for a := range table {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Known says whether the table has a row for an action.
func Known(a Action) bool { _, ok := table[a]; return ok }

// ReachOf looks a cell up; what the table does not have is denied.
func ReachOf(a Action, role Role) Reach {
	column := slices.Index(Columns[:], role)
	if column < 0 {
		return Denied
	}
	return table[a][column]
}
