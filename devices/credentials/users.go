package credentials

import (
	"context"
	"slices"
	"strings"
)

// left has the users go of codes that are no device's any more, because it is
// gone or has another name. The registry calls it before anybody can take such
// a code anew. Where that cannot be kept, the broker's users are compared.
func (k *Keeper) left(ctx context.Context, codes []string) {
	k.write.Lock()
	defer k.write.Unlock()
	if k.o.Key != nil {
		var commands []Command
		for _, code := range codes {
			commands = append(commands, k.farewell(code)...)
		}
		if err := k.o.Store.Tell(ctx, commands); err != nil {
			k.unsure.Store(true)
		}
		k.poke()
	}
	for _, code := range codes {
		k.disconnect(code)
	}
}

// farewell takes both user names of a code away.
func (k *Keeper) farewell(code string) []Command {
	now := k.o.Now()
	return []Command{{Username: Username(code, 0), Code: code, Due: now}, {Username: Username(code, 1), Code: code, Due: now}}
}

// dismiss has those of a broker's users go that no device may use now, and says
// how many they are.
func (k *Keeper) dismiss(ctx context.Context, users []string) (int, error) {
	k.write.Lock()
	defer k.write.Unlock()
	var commands []Command
	for _, u := range users {
		if code := strings.TrimSuffix(u, secondSlot); !k.entitled(u, code) {
			commands = append(commands, Command{Username: u, Code: code, Due: k.o.Now()})
		}
	}
	if len(commands) == 0 {
		return 0, nil
	}
	k.poke()
	return len(commands), k.o.Store.Tell(ctx, commands)
}

// entitled says whether a user name is one that its device may use now.
func (k *Keeper) entitled(username, code string) bool {
	who, ok := k.o.Registry.Identity(code)
	if !ok {
		return false
	}
	c, _ := k.Of(who.DeviceID)
	switch {
	case c.Hash == "":
		return false
	case username == Username(code, c.Slot):
		return true
	}
	return c.OldHash != "" && k.o.Now().Before(c.OldUntil)
}

// missing are the codes of the devices whose present user name a broker lacks.
func (k *Keeper) missing(has map[string]bool) (codes []string) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for id, c := range k.known {
		who, ok := k.o.Registry.IdentityByID(id)
		if ok && c.Hash != "" && !has[Username(who.Code, c.Slot)] {
			codes = append(codes, who.Code)
		}
	}
	slices.Sort(codes)
	return codes
}
