package main

import "time"

// checkZone refuses a zone that days cannot be cut in: they are made of the
// hours of UTC, so a day has to begin with one.
func (s *serveCommand) checkZone(now time.Time, refuse func(flag, format string, args ...any)) {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		refuse("time-zone", "%q is not known; give a name such as Asia/Ho_Chi_Minh", s.TimeZone)
		return
	}
	for at := now.Add(-s.RawRetention).In(zone); at.Before(now.AddDate(1, 0, 0)); {
		name, offset := at.Zone()
		if offset%3600 != 0 {
			refuse("time-zone", "%q is %s from UTC in %s (%s), no whole hours, and days are put together from hours of UTC; give a zone that is, such as Asia/Ho_Chi_Minh",
				s.TimeZone, time.Duration(offset)*time.Second, at.Format("2006-01"), name)
			return
		}
		if _, at = at.ZoneBounds(); at.IsZero() {
			return
		}
	}
}
