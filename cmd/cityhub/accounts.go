package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"cityhub/access"
	"cityhub/api"
	"cityhub/devices/credentials"
)

// doorkeeper tells the API who somebody is.
type doorkeeper struct {
	*access.Accounts
	*credentials.Keeper
}

func (h *hub) openAccounts(ctx context.Context) (err error) {
	h.accounts, err = access.OpenAccounts(ctx, access.AccountsOptions{Store: h.database.Accounts(), Now: time.Now})
	return err
}

func (h *hub) untold(err error) {
	h.log.Error("it is not kept when keys and sessions were used last", "error", err)
}

// invite prints the link with which the first account is made, while there is
// none. The token stands behind the #, so that no server's log gets it.
func (h *hub) invite(ctx context.Context, listening string) error {
	token, err := h.accounts.InviteFirst(ctx)
	if errors.Is(err, access.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	address := strings.TrimRight(h.PublicURL, "/")
	if address == "" {
		address = "http://" + listening
	}
	_, err = fmt.Fprintf(h.out, "\nNobody has an account yet. Make the first one, within 24 hours, at\n\n    %s/set-up#%s\n\n", address, token)
	return err
}

func (h *hub) proxies() []netip.Prefix {
	all, err := networks(h.TrustedProxies)
	if err != nil { // check has read them already
		panic(err)
	}
	return all
}

// networks reads addresses and networks.
func networks(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		all = append(all, network)
	}
	return all, nil
}

func (h *hub) rates() api.Rates {
	rate := func(second float64) api.Rate { return api.Rate{Second: second, Burst: int(max(1, 6*second))} }
	return api.Rates{Anonymous: rate(h.RateAnonymous), User: rate(h.RateUsers), Key: rate(h.RateKeys), Device: rate(h.RateKeys)}
}
