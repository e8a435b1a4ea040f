package trials

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"cityhub/testbed"
)

const providerPassword = "verysecure"

// signOnWorld is a hub with a provider of identities.
type signOnWorld struct {
	*hub
	provider *testbed.OIDC
}

// newSignOnWorld starts the hub before the provider is there.
func newSignOnWorld(t *testing.T, args ...string) *signOnWorld {
	t.Helper()
	port, address := testbed.FreePort(t), "127.0.0.1:"+strconv.Itoa(testbed.FreePort(t))
	w := &signOnWorld{hub: startHub(t, t.TempDir(), []string{"CITYHUB_OIDC_CLIENT_SECRET=secret"}, append([]string{
		"--http", address, "--public-url", "http://" + address, "--rate-anonymous", "0",
		"--oidc-issuer", fmt.Sprintf("http://127.0.0.1:%d", port), "--oidc-client-id", "web"}, args...)...)}
	w.hub.http = address
	w.send(http.MethodPost, "/organisations", `{"code":"HN"}`, http.StatusCreated)
	w.addUser("lan", "lan@city.example", false)
	b := newBrowser(t)
	b.refused(w.begin(b), "does not answer") // and yet by name and password:
	w.signInHere(newBrowser(t), "lan")
	var users []testbed.OIDCUser
	for _, name := range []string{"lan", "minh", "hoa", "gone", "guest"} {
		users = append(users, testbed.OIDCUser{ID: "id-" + name, Username: name, Password: providerPassword,
			FirstName: name, Email: name + "@city.example", EmailVerified: name != "hoa"})
	}
	w.provider = testbed.OIDCProvider(t, port, "http://"+address+"/api/v1/session/oidc/callback", users...)
	w.await("the hub finds the provider", 30*time.Second, func() bool { return strings.HasPrefix(w.begin(newBrowser(t)), w.provider.Issuer) })
	return w
}

// send writes as the city's administrator.
func (w *signOnWorld) send(method, path, body string, want int) []byte {
	w.t.Helper()
	answer, err := w.ask(w.t.Context(), method, path, []byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, answer.StatusCode, want, text)
	}
	return text
}

func (w *signOnWorld) addUser(name, email string, disabled bool) {
	w.t.Helper()
	w.send(http.MethodPost, "/users", fmt.Sprintf(`{"name":%q,"email":%q,"disabled":%t,"password":"correct horse battery","roles":[{"role":"viewer","organisation":"HN"}]}`,
		name, email, disabled), http.StatusCreated)
}

func (w *signOnWorld) signInHere(b *browser, name string) {
	w.t.Helper()
	answer, err := b.client.Post("http://"+w.hub.http+"/api/v1/session", "application/json",
		bytes.NewReader([]byte(`{"name":"`+name+`","password":"correct horse battery"}`)))
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("sign-in by name and password: %v %v", answer, err)
	}
	answer.Body.Close()
}

// begin asks the hub for the way to the provider.
func (w *signOnWorld) begin(b *browser) string {
	w.t.Helper()
	return b.follow("http://" + w.hub.http + "/api/v1/session/oidc")
}

// approve signs in at the provider, and gives the address at the hub that it
// sends the browser to.
func (w *signOnWorld) approve(b *browser, way, name string) string {
	w.t.Helper()
	form, err := url.Parse(b.follow(way))
	if err != nil || form.Path != "/login/username" {
		w.t.Fatalf("the provider shows no form but %s: %v", form, err)
	}
	fields := url.Values{"username": {name}, "password": {providerPassword}, "id": {form.Query().Get("authRequestID")}}
	answer, err := b.client.PostForm(w.provider.Issuer+form.Path, fields)
	if err != nil || answer.StatusCode != http.StatusFound {
		w.t.Fatalf("the provider's form: %v %v", answer, err)
	}
	answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		w.t.Fatal(err)
	}
	return b.follow(to.String())
}

func (w *signOnWorld) signOn(b *browser, name string) string {
	w.t.Helper()
	return b.follow(w.approve(b, w.begin(b), name))
}

// name says who a browser is at the hub.
func (w *signOnWorld) name(b *browser) string {
	w.t.Helper()
	answer, err := b.client.Get("http://" + w.hub.http + "/api/v1/session")
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var who struct{ Name string }
	if err := json.NewDecoder(answer.Body).Decode(&who); err != nil {
		w.t.Fatal(err)
	}
	return who.Name
}

// browser keeps cookies and goes where it is sent, a step at a time.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// follow asks for an address and gives the one it leads to.
func (b *browser) follow(address string) string {
	b.t.Helper()
	answer, err := b.client.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		text, _ := io.ReadAll(answer.Body)
		b.t.Fatalf("%s leads nowhere: %d %s", address, answer.StatusCode, text)
	}
	return to.String()
}

// refused holds that an address is the sign-in page that tells a trouble and
// offers to begin again.
func (b *browser) refused(address, trouble string) {
	b.t.Helper()
	answer, err := b.client.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(address, "/sign-in?trouble=") || !strings.Contains(string(page), trouble) ||
		!strings.Contains(string(page), `href="/api/v1/session/oidc"`) {
		b.t.Errorf("%s: %v, want the sign-in page with %q, got\n%s", address, err, trouble, page)
	}
}
