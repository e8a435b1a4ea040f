package trials

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSignOn signs in by a real provider of identities, and is refused where
// it must be.
func TestSignOn(t *testing.T) {
	w := newSignOnWorld(t)
	w.addUser("hoa", "hoa@city.example", false)
	w.addUser("gone", "gone@city.example", true)

	t.Run("the whole way", func(t *testing.T) {
		b := newBrowser(t)
		way := w.begin(b)
		asksSafely(t, way)
		back := w.approve(b, way, "lan")
		if to := b.follow(back); to != "http://"+w.http+"/" || w.name(b) != "lan" {
			t.Fatalf("to %s as %q, want the first page as lan", to, w.name(b))
		}
		b.refused(b.follow(back), "Begin it again") // replayed
		if w.signOn(newBrowser(t), "lan"); w.audited("link") != 1 || w.audited("sign-in") != 3 {
			t.Errorf("linked %d times and signed in %d times, want 1 and 3", w.audited("link"), w.audited("sign-in"))
		}
		w.keepsSecret(back)
	})
	t.Run("a state of somebody else", func(t *testing.T) {
		mine, theirs := newBrowser(t), newBrowser(t)
		w.begin(mine)
		back := w.approve(theirs, w.begin(theirs), "lan")
		mine.refused(mine.follow(back), "another browser")
		nobody := newBrowser(t) // it has no cookie
		nobody.refused(nobody.follow(back), "another browser")
		theirs.refused(theirs.follow(strings.Replace(back, "state=", "state=x", 1)), "Begin it again")
		theirs.refused(theirs.follow(back), "Begin it again") // nobody may guess twice
	})
	for name, trouble := range map[string]string{"minh": "no account here yet", "hoa": "does not vouch", "gone": "disabled"} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			b.refused(w.signOn(b, name), trouble)
			if who := w.name(b); who != "" {
				t.Errorf("is signed in as %s", who)
			}
		})
	}
	t.Run("the provider goes away on the way", func(t *testing.T) {
		b := newBrowser(t)
		back := w.approve(b, w.begin(b), "lan")
		w.provider.Kill()
		b.refused(b.follow(back), "does not answer")
		w.signInHere(newBrowser(t), "lan")
		w.provider.Restart()
		w.await("the hub finds the provider", 30*time.Second, func() bool {
			return strings.HasPrefix(w.begin(newBrowser(t)), w.provider.Issuer)
		})
		if b := newBrowser(t); w.signOn(b, "lan") != "http://"+w.http+"/" || w.name(b) != "lan" {
			t.Error("lan is not signed in by the provider that is back")
		}
	})
}

// TestSignOnOfNewcomers makes accounts where the city wants that.
func TestSignOnOfNewcomers(t *testing.T) {
	w := newSignOnWorld(t, "--oidc-default-role", "viewer", "--oidc-default-org", "HN")
	w.addUser("hoa", "hoa@city.example", false)
	for range 2 {
		b := newBrowser(t)
		if to := w.signOn(b, "minh"); to != "http://"+w.http+"/" || w.name(b) != "minh@city.example" {
			t.Fatalf("to %s as %q, want the first page as minh@city.example", to, w.name(b))
		}
	}
	b := newBrowser(t)
	b.refused(w.signOn(b, "hoa"), "does not vouch") // no second account beside hoa's
	users := string(w.send(http.MethodGet, "/users?limit=1000", "", http.StatusOK))
	if strings.Count(users, `"minh@city.example"`) == 0 || strings.Count(users, `"fullName":"minh`) != 1 {
		t.Errorf("minh is not there once: %s", users)
	}
}

// asksSafely holds what the hub sends to the provider.
func asksSafely(t *testing.T, way string) {
	t.Helper()
	asked, err := url.Parse(way)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"response_type": "code", "code_challenge_method": "S256", "client_id": "web"} {
		if got := asked.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(asked.Query().Get(name)) < 20 {
			t.Errorf("no %s worth the name in %s", name, way)
		}
	}
}

// keepsSecret holds that the log has nothing of a sign-in that could be used.
func (w *signOnWorld) keepsSecret(back string) {
	w.t.Helper()
	log, err := os.ReadFile(w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	address, err := url.Parse(back)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, secret := range []string{address.Query().Get("code"), address.Query().Get("state"), "chs_", "eyJ"} {
		if strings.Contains(string(log), secret) {
			w.t.Errorf("%q is in the log", secret)
		}
	}
}

// audited counts an action on users in the audit log.
func (w *signOnWorld) audited(action string) int {
	w.t.Helper()
	log := string(w.send(http.MethodGet, "/audit?noun=user&limit=1000", "", http.StatusOK))
	return strings.Count(log, `"action":"`+action+`"`)
}
