package payload

import "strings"

// localName cuts the vocabulary off a name that was expanded to a URI.
func localName(name string) string {
	if strings.Contains(name, "://") {
		return name[strings.LastIndexAny(name, "/#")+1:]
	}
	return name
}

// describes says of an attribute that it tells about the entity, not a reading.
func describes(name string) bool {
	if rest, ok := strings.CutPrefix(name, "ref"); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
		return true
	}
	switch name {
	case "", "id", "type", "@context", "address", "alternateName", "areaServed", "category",
		"controlledProperty", "dataProvider", "description", "device", "location", "name", "owner",
		"seeAlso", "source", "stationCode", "stationID", "stationName", "typeOfLocation", "TimeInstant":
		return true
	}
	return false
}

func ngsiDevice(n node) string {
	if ref := plain(n.get("refDevice")); ref.kind == text {
		return lastSegment(ref.text)
	} else if len(ref.items) == 1 {
		return lastSegment(ref.items[0].text)
	}
	return lastSegment(n.get("id").text)
}

// lastSegment is what stands behind the last colon, unless that is one of a
// clock time, as in ids that end in an instant.
func lastSegment(id string) string {
	at := strings.LastIndexByte(id, ':')
	if at >= 2 && isDigit(id[at-1]) && isDigit(id[at-2]) && at+2 < len(id) && isDigit(id[at+1]) && isDigit(id[at+2]) {
		return id
	}
	return id[at+1:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
