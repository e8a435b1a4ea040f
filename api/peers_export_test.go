//go:build peers

package api

import (
	"github.com/valyala/fasthttp"

	"cityhub/access"
	"cityhub/geo"
)

// Handler answers requests without a network.
func (s *Server) Handler() fasthttp.RequestHandler {
	s.open()
	return s.app.Handler()
}

// ForgetTiles lets every tile be drawn anew.
func (s *Server) ForgetTiles() { s.tileCache = newTileCache() }

// Encode appends the newest values of a property as GeoJSON, each from its
// station, without any text that was kept.
func (s *Server) Encode(b []byte, code string) []byte {
	property, _ := s.o.Registry.Property(code)
	scope, now := &access.Scope{All: true}, s.o.Now().UnixNano()
	values := s.o.Latest.Of(code)
	b = append(b, `{"type":"FeatureCollection","features":`...)
	begin := len(b)
	var extent geo.Extent
	for _, v := range values {
		if f, ok := s.city.Feature(scope, &property, v, now); ok {
			extent.Add(*f.Station.Position)
			b = f.Append(append(b, ','))
		}
	}
	b[begin] = '['
	return append(extent.AppendMember(append(b, ']')), '}')
}
