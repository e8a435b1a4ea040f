package api

import (
	"cityhub/telemetry"
)

// WithQuality are the parameters that leave readings out by their flags.
type WithQuality struct {
	Quality string   `query:"quality" enum:"good" doc:"good: only readings without a flag"`
	Exclude []string `query:"exclude" enum:"out_of_range,stuck,late,clock_corrected,maintenance,uncalibrated,corrected,misplaced" maxItems:"16" doc:"Flags, with commas: readings that have one of them are left out"`
}

// unwanted are the flags that a reading must not have.
func (w WithQuality) unwanted() telemetry.Quality {
	if w.Quality == "good" {
		return ^telemetry.Quality(0)
	}
	return telemetry.QualityOf(w.Exclude...)
}
