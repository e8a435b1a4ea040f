package telemetry

import "time"

// judge finds the newest trouble since the last good reading, and what follows
// from it. logins says that the device's own would be seen.
func (p *Proof) judge(newest *Line, refused Sign, logins bool) {
	from := p.Deployment.From
	tell := func(t Trouble, at time.Time, detail string) {
		if at.IsZero() || at.Before(from) || at.Before(p.Since) {
			return
		}
		p.Trouble, p.Since, p.Detail = t, at, detail
	}
	if login := p.Signs[Rejected]; login.At.After(p.Signs[Connected].At) {
		tell(BadLogin, login.At, "")
	}
	tell(BadTopic, p.Signs[Strayed].At, p.Signs[Strayed].Topic)
	if t := troubleOf(refused.Reason); t != "" {
		tell(t, refused.At, refused.Detail)
	}
	if newest != nil {
		p.weigh(newest, tell)
	}
	switch {
	case p.First != nil:
		p.Verdict = Alive
	case p.Trouble != "":
		p.Verdict = Faulty
	default:
		p.Verdict, p.Trouble = Waiting, p.silence(logins)
	}
}

// weigh tells what is wrong with the newest reading, or that nothing is, which
// ends the troubles before it.
func (p *Proof) weigh(newest *Line, tell func(Trouble, time.Time, string)) {
	at := time.Unix(0, newest.Time).UTC() // after a restart the nearest that is known
	if newest.Received != 0 {
		at = time.Unix(0, newest.Received).UTC()
	}
	switch {
	case good(newest):
		if !at.Before(p.Since) {
			p.Trouble, p.Since, p.Detail = "", time.Time{}, ""
		}
	case newest.Quality&Late != 0:
		tell(BadClock, at, "")
	default:
		tell(BadValues, at, "")
	}
}

// silence says what is known of a device from which nothing came.
func (p *Proof) silence(logins bool) Trouble {
	connected, gone := p.Signs[Connected], p.Signs[Gone]
	switch {
	case !p.Signs[Heard].At.Before(p.Deployment.From),
		!connected.At.IsZero() && (!connected.At.Before(p.Deployment.From) || connected.At.After(gone.At)):
		return NothingPublished
	case logins:
		return NeverConnected
	}
	return NothingHeard
}

// troubleOf puts the reasons of refusals into people's kinds; "" for those
// that say nothing of the device.
func troubleOf(r Reason) Trouble {
	switch r {
	case Undecodable, NotANumber, TooLarge, TooDeep, DuplicateKey, CodecFailed, CodecLimit, NoCodec, NoChannel, WrongType, WrongPosition:
		return BadPayload
	case WrongClock, NotDeployed: // it is deployed now, so its reading says that it is of another time
		return BadClock
	case NoRoute:
		return BadTopic
	case WrongSender:
		return BadSender
	case Revoked:
		return BadLogin
	}
	return ""
}
