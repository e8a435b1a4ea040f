package database

import (
	"regexp"
	"strconv"
	"strings"

	"cityhub/access"
)

// The conditions below say which rows a scope may see. They hold numbers and
// checked codes only, so they are written into the statement as they are.

var plainCode = regexp.MustCompile(`^[a-z0-9_]+$`)

const nothing = "1 = 0"

// anyOf joins conditions of which one must hold.
func anyOf(conditions []string) string {
	if len(conditions) == 0 {
		return nothing
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

func among(column string, ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return column + " IN (" + strings.Join(texts, ", ") + ")"
}

// owners are the organisations whose things are seen whole: the principal's
// own, and those that granted all.
func owners(s *access.Scope) []int64 {
	all := append([]int64(nil), s.Own...)
	for _, g := range s.Grants {
		if g.Thing == 0 && g.Property == "" {
			all = append(all, g.Owner)
		}
	}
	return all
}

func belongs(column string, s *access.Scope) []string {
	if all := owners(s); len(all) > 0 {
		return []string{among(column, all)}
	}
	return nil
}

// published is the condition on a datastream's publication; "" when what is
// published does not count.
func published(column string, s *access.Scope) string {
	switch {
	case s.Internal:
		return column + " IN ('public', 'internal')"
	case s.Public:
		return column + " = 'public'"
	}
	return ""
}

// streamsOf is the condition that a thing has a datastream of a kind.
func streamsOf(thing, condition string) string {
	return "EXISTS (SELECT 1 FROM datastreams seen WHERE seen.thing_id = " + thing + " AND NOT seen.retired AND " + condition + ")"
}

// seenThings is the condition on things; prefix names their table or alias. A
// mobile thing is never seen for what it published: that would tell where a
// vehicle is.
func seenThings(prefix string, s *access.Scope) string {
	if s.All {
		return ""
	}
	any := belongs(prefix+".organisation_id", s)
	for _, g := range s.Grants {
		condition := prefix + ".organisation_id = " + strconv.FormatInt(g.Owner, 10)
		switch {
		case g.Property != "" && !plainCode.MatchString(g.Property):
			continue
		case g.Property != "":
			condition += " AND " + streamsOf(prefix+".id", "seen.property = '"+g.Property+"'")
		case g.Thing == 0:
			continue // seen whole already
		}
		if g.Thing != 0 {
			condition += " AND " + prefix + ".id = " + strconv.FormatInt(g.Thing, 10)
		}
		any = append(any, "("+condition+")")
	}
	if open := published("seen.publication", s); open != "" {
		any = append(any, "(NOT "+prefix+".mobile AND "+streamsOf(prefix+".id", open)+")")
	}
	return anyOf(any)
}

// seenDatastreams sees those of own and granted things, and what is published
// of things that stand somewhere.
func seenDatastreams(s *access.Scope) string {
	if s.All {
		return ""
	}
	var any []string
	if own := belongs("home.organisation_id", s); own != nil {
		any = append(any, ofThing("thing_id", own[0]))
	}
	for _, g := range s.Grants {
		condition := "home.organisation_id = " + strconv.FormatInt(g.Owner, 10)
		if g.Thing != 0 {
			condition += " AND home.id = " + strconv.FormatInt(g.Thing, 10)
		}
		granted := ofThing("thing_id", condition)
		switch {
		case g.Property == "" && g.Thing == 0:
			continue
		case g.Property != "" && !plainCode.MatchString(g.Property):
			continue
		case g.Property != "":
			granted = "(property = '" + g.Property + "' AND " + granted + ")"
		}
		any = append(any, granted)
	}
	if open := published("publication", s); open != "" {
		any = append(any, "("+open+" AND NOT EXISTS (SELECT 1 FROM things home WHERE home.id = thing_id AND home.mobile))")
	}
	return anyOf(any)
}

// seenQuarantine sees what names, or was sent by, a device of an organisation
// of the scope. What nobody's device sent is the city's.
func seenQuarantine(s *access.Scope) string {
	if s == nil || s.All {
		return ""
	}
	if len(s.Own) == 0 {
		return nothing
	}
	mine := "IN (SELECT unit.code FROM devices unit WHERE " + among("unit.organisation_id", s.Own) +
		" UNION SELECT unit.dev_eui FROM devices unit WHERE unit.dev_eui IS NOT NULL AND " + among("unit.organisation_id", s.Own) + ")"
	return "(device " + mine + " OR (device = '' AND sender " + mine + "))"
}

func ofThing(column, condition string) string {
	return column + " IN (SELECT home.id FROM things home WHERE " + condition + ")"
}

// seenDevices sees the own ones, and those that stand at a thing that others
// have published or granted.
func seenDevices(s *access.Scope) string {
	if s.All {
		return ""
	}
	any := belongs("devices.organisation_id", s)
	if s.Public || len(s.Grants) > 0 {
		any = append(any, "EXISTS (SELECT 1 FROM deployments stands JOIN things home ON home.id = stands.thing_id WHERE stands.device_id = devices.id AND stands.to_time IS NULL AND "+
			seenThings("home", s)+")")
	}
	return anyOf(any)
}

func seenDeployments(s *access.Scope) string { return seenByThing("thing_id", s) }

func seenHistoricalLocations(s *access.Scope) string { return seenByThing("thing_id", s) }

func seenByThing(column string, s *access.Scope) string {
	if s.All {
		return ""
	}
	return ofThing(column, seenThings("home", s))
}

func seenVisits(s *access.Scope) string { return seenByThing("thing_id", s) }

// seenWithVisit sees what belongs to a visit that is seen.
func seenWithVisit(s *access.Scope) string {
	if s.All {
		return ""
	}
	return "visit_id IN (SELECT stay.id FROM visits stay WHERE " + seenByThing("stay.thing_id", s) + ")"
}

// seenLocations sees the places at which a thing that is seen stands.
func seenLocations(s *access.Scope) string {
	if s.All {
		return ""
	}
	return "locations.id IN (SELECT home.location_id FROM things home WHERE home.location_id IS NOT NULL AND " + seenThings("home", s) + ")"
}
