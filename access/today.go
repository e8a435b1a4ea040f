package access

// Today is what somebody who once asked may do now: work that goes on after a
// request does it with these rights. ErrCredentials says that there is nobody
// of that kind any more.
func (a *Accounts) Today(p *Principal) (*Principal, error) {
	now := &Principal{Kind: p.Kind, ID: p.ID}
	a.mu.RLock()
	defer a.mu.RUnlock()
	switch p.Kind {
	case SystemKind:
		return SystemPrincipal(), nil
	case UserKind:
		u := a.users[p.ID]
		if u == nil || u.Disabled {
			return nil, errUnknown
		}
		now.Name = u.Name
		for _, r := range sorted(a.roles) {
			if r.User == u.ID {
				now.Bindings = append(now.Bindings, r.Binding)
			}
		}
	case KeyKind:
		k := a.keys[p.ID]
		if k == nil || !k.Expires.IsZero() && !a.o.Now().Before(k.Expires) {
			return nil, errUnknown
		}
		now.Name, now.Bindings = k.Name, []Binding{k.Binding}
	default:
		return nil, errUnknown
	}
	now.Grants = a.granted(now.Bindings)
	return now, nil
}
