package architecture

import (
	"fmt"
	"slices"
	"strings"
)

const module = "cityhub/"

// pkg is a package and what it imports, tests left out.
type pkg struct {
	path    string // import path
	imports []string
}

// checkImports holds packages against the tables and says what is wrong.
func checkImports(packages []pkg) []string {
	var wrong []string
	for _, p := range packages {
		from := roomOf(p.path)
		if from == nil {
			wrong = append(wrong, p.path+" is in no room: add it to rooms.go with what it may import, and why")
			continue
		}
		for _, imported := range p.imports {
			if why := forbidden(*from, imported); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", p.path, imported, why))
			}
		}
	}
	return wrong
}

// forbidden gives the reason why a room may not import a path, or "".
func forbidden(from room, imported string) string {
	if strings.HasPrefix(imported, module) {
		return forbiddenRoom(from, imported)
	}
	for _, l := range libraries {
		if below(imported, l.path) && !owns(l.owners, from.path) {
			return fmt.Sprintf("%s (only in %s)", l.why, strings.Join(l.owners, ", "))
		}
	}
	for _, n := range never {
		if n.room == from.path && below(imported, n.path) {
			return n.why
		}
	}
	return ""
}

func forbiddenRoom(from room, imported string) string {
	to := roomOf(imported)
	switch {
	case to == nil:
		return "" // told once, where that package itself is looked at
	case to.path == from.path, slices.Contains(from.may, to.path):
		return ""
	case besides[from.path+" → "+to.path] != "":
		return ""
	}
	return from.why
}

// roomOf gives the room that a package of ours is in; nil for none.
func roomOf(importPath string) *room {
	var found *room
	for i := range rooms {
		if below(importPath, module+rooms[i].path) && (found == nil || len(rooms[i].path) > len(found.path)) {
			found = &rooms[i]
		}
	}
	return found
}

// below says whether path is folder or lies in it.
func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func owns(owners []string, path string) bool {
	for _, owner := range owners {
		folder, deep := strings.CutSuffix(owner, "/…")
		if path == folder || deep && below(path, folder) {
			return true
		}
	}
	return false
}
