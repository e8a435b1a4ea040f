// Package web holds the built pages of the operations centre. It is a leaf: it
// knows nothing of the hub, and the hub gets it as an fs.FS.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

// dist holds app/ once `make web` has run, and nothing but a placeholder before.
//
//go:embed all:dist
var dist embed.FS

// App gives the built app: index.html, and in assets/ the files that it names,
// whose names change with what is in them. It is empty where the app was not
// built.
func App() fs.FS {
	app, err := fs.Sub(dist, "dist/app")
	if err != nil { // the name is a constant, and sound
		panic(fmt.Errorf("web: %w", err))
	}
	return app
}
