package trials

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"cityhub/testbed"
)

// TestTheAPIKeepsItsWord calls every operation as the API's description says
// one may, and in many ways in which one may not, with and without a key: no
// answer is a failure of the hub, and none has a status that the description
// does not name. CITYHUB_NEMESIS asks for many more requests.
func TestTheAPIKeepsItsWord(t *testing.T) {
	t.Parallel() // it waits more than it works
	program := testbed.Schemathesis(t)
	h := startHub(t, t.TempDir(), nil, "--rate-anonymous", "0")
	h.registerFlood(3)
	examples := 3
	if os.Getenv("CITYHUB_NEMESIS") != "" {
		examples = 100
	}
	admin := "Authorization: Bearer " + h.key
	const endless, proof = "--exclude-operation-id=get-live", "get-device-proof-live"
	for _, c := range []struct {
		name, header string
		operations   []string
	}{
		// The stream of a proof lasts until it is given up, so it is given up sooner than any other answer.
		{"as who watches a proof", admin, []string{"--include-operation-id=" + proof, "--request-timeout", "10"}},
		// Deleting keys comes last, for it may hit the one that lets the run in.
		{"as the city's administrator", admin, []string{endless, "--exclude-operation-id=" + proof, "--exclude-operation-id=delete-key", "--request-timeout", "30"}},
		{"as nobody", "Accept-Language: vi", []string{endless, "--request-timeout", "30"}},
		{"as who deletes keys", admin, []string{"--include-operation-id=delete-key", "--request-timeout", "30"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := exec.Command(program, append([]string{"run", "http://" + h.http + "/api/openapi.json", "--url", "http://" + h.http,
				"--header", c.header, "--max-examples", strconv.Itoa(examples), "--seed", "1", "--no-color",
				"--checks", "not_a_server_error,status_code_conformance", "--phases", "examples,coverage,fuzzing"}, c.operations...)...)
			run.Dir = t.TempDir() // it leaves a folder
			run.Env = append(os.Environ(), "HOME="+filepath.Join(run.Dir, "home"))
			output, err := run.CombinedOutput()
			if refused := regexp.MustCompile(`(\d+) operations returned only 401`).FindStringSubmatch(string(output)); refused != nil && c.header == admin && c.operations[0] == endless {
				t.Errorf("%s operations were never entered: the key has gone on the way", refused[1])
			}
			t.Log(regexp.MustCompile(`(?s)=+ SUMMARY =+.*`).FindString(string(output)))
			if err != nil {
				failures := regexp.MustCompile(`(?s)=+ FAILURES =+.*`).FindString(string(output))
				t.Errorf("%v\n%s", err, failures[:min(len(failures), 60_000)])
			}
		})
	}
}
