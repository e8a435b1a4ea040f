package api

import (
	"context"
	"errors"

	"cityhub/api/citymap"
)

// Filter are the parameters that choose stations beside a window.
type Filter struct {
	Zone         string `query:"zone" doc:"Code of a zone, by its boundary of today"`
	Organisation string `query:"organisation" doc:"Code or id of the stations' owner"`
	State        string `query:"state" enum:"ok,unknown,stale,info,warning,minor,major,critical" doc:"Of the value"`
}

// keeper reads a filter; nil when it keeps all.
func (s *Server) keeper(ctx context.Context, f Filter) (*citymap.Keeper, error) {
	of := citymap.Filter{Zone: f.Zone, State: f.State}
	if f.Organisation != "" {
		id, err := filterID(ctx, s.o.Registry.Organisations, "organisation", f.Organisation, organisationID)
		if err != nil {
			return nil, err
		}
		of.Organisation = id
	}
	keep, err := s.city.Keeper(of)
	if errors.Is(err, citymap.ErrNoZone) {
		return nil, badParameter("zone", err.Error())
	}
	return keep, err
}
