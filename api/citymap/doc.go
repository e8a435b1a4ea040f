// Package citymap is the map's room: the newest value of every station as it
// is seen by somebody. It owns the index of newest values by place, the states
// of a value, the choice of stations by zone, owner and state, and how stations
// and clusters are written as GeoJSON and drawn as vector tiles. It refuses to
// know HTTP, the live stream, history, and who keeps what it shows: values are
// telemetry's, stations and zones the registry's.
package citymap
