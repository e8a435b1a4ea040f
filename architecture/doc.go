// Package architecture holds the rules of the house: which room may import
// which, which room alone knows a library, how long a file may grow. The rules
// are data in rooms.go and libraries.go, each with its reason; the tests hold
// the tree against them. Nothing imports this package.
package architecture
