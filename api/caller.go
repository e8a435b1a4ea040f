package api

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// caller finds out where a request comes from. What a proxy says of it counts
// only when the proxy is trusted, and of what it says only the part that no
// caller can have written.
func (s *Server) caller(c *fiber.Ctx) caller {
	from := caller{address: peer(c.Context().RemoteAddr()), https: c.Context().IsTLS(), host: string(c.Request().Host())}
	if !s.trusted(from.address) {
		return from
	}
	from.https = from.https || strings.EqualFold(c.Get(fiber.HeaderXForwardedProto), "https")
	if host := c.Get(fiber.HeaderXForwardedHost); host != "" {
		from.host = strings.Clone(strings.TrimSpace(host[strings.LastIndexByte(host, ',')+1:]))
	}
	hops := strings.Split(c.Get(fiber.HeaderXForwardedFor), ",")
	for _, hop := range slices.Backward(hops) {
		address, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if from.address = address.Unmap(); !s.trusted(from.address) {
			break
		}
	}
	return from
}

func (s *Server) trusted(address netip.Addr) bool {
	return slices.ContainsFunc(s.o.Proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// peer is a connection's other end; the zero address for what is no IP.
func peer(remote net.Addr) netip.Addr {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}
