package access

import (
	"context"
	"time"
	"unicode/utf8"
)

func (k *Key) holder() holder { return holder{"key", []Binding{k.Binding}} }

// Keys gives the keys that whoever asks may see, by id.
func (a *Accounts) Keys(ctx context.Context) (found []Key) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, k := range sorted(a.keys) {
		if k.holder().visible(actor(ctx), AccountRead) {
			found = append(found, a.copyOf(k))
		}
	}
	return found
}

// copyOf is a key with when it was used last; the caller holds mu.
func (a *Accounts) copyOf(k *Key) Key {
	out := *k
	if c := a.byKey[parseFingerprint(k.Hash)]; c != nil && c.used.Load() != 0 {
		out.Used = time.Unix(0, c.used.Load()).UTC()
	}
	return out
}

// Key gives one of them; ErrNotFound for others.
func (a *Accounts) Key(ctx context.Context, id int64) (Key, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	k := a.keys[id]
	if k == nil || !k.holder().visible(actor(ctx), AccountRead) {
		return Key{}, refuse(ErrNotFound, "", "key is not there")
	}
	return a.copyOf(k), nil
}

// AddKey makes a key with a role, and gives its secret, which is kept nowhere.
func (a *Accounts) AddKey(ctx context.Context, name string, b Binding, expires time.Time) (Key, string, error) {
	switch {
	case name == "" || utf8.RuneCountInString(name) > 200:
		return Key{}, "", refuse(ErrInvalid, "name", "must be 1 to 200 letters that say what the key is for")
	case !expires.IsZero() && !expires.After(a.o.Now()):
		return Key{}, "", refuse(ErrInvalid, "expires", "is over already")
	}
	if err := checkBinding(actor(ctx), b); err != nil {
		return Key{}, "", err
	}
	secret := newSecret(keyPrefix)
	f, _ := fingerprintOf(keyPrefix, secret)
	k := Key{Name: name, Hint: hint(secret), Hash: f.String(), Binding: b, Created: a.o.Now(), Expires: expires}
	a.changing.Lock()
	defer a.changing.Unlock()
	err := a.keep(ctx, func(t Tables) error {
		if err := t.Keys.Put(ctx, &k); err != nil {
			return err
		}
		return a.note(ctx, t, "create", "key", k.ID, b.Organisation, nil, k)
	}, func() {
		kept := k
		a.keys[k.ID] = &kept
	})
	if err != nil {
		return Key{}, "", err
	}
	return k, secret, nil
}

// RemoveKey takes a key away, at once.
func (a *Accounts) RemoveKey(ctx context.Context, id int64) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	k, err := a.Key(ctx, id)
	if err != nil {
		return err
	}
	if err := k.holder().manageable(actor(ctx)); err != nil {
		return err
	}
	return a.keep(ctx, func(t Tables) error {
		if err := t.Keys.Delete(ctx, id); err != nil {
			return err
		}
		return a.note(ctx, t, "delete", "key", id, k.Binding.Organisation, k, nil)
	}, func() { delete(a.keys, id) })
}
