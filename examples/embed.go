// Package examples carries the device models that a new hub starts with.
package examples

import "embed"

// Models holds one YAML file a model, and the codecs they name.
//
//go:embed models
var Models embed.FS
