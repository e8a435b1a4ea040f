package imports_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cityhub/imports"
)

// onDisk says whether any file of the imports has the text.
func (o *office) onDisk(t *testing.T, text string) (found bool) {
	t.Helper()
	must(t, filepath.WalkDir(o.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		found = found || strings.Contains(string(raw), text)
		return err
	}))
	return found
}

func (o *office) table(t *testing.T, id string) string {
	t.Helper()
	var table strings.Builder
	must(t, o.WriteTable(t.Context(), &table, id, imports.TableOptions{Lang: imports.English}))
	return table.String()
}

func TestNoSecretStaysOnTheDisk(t *testing.T) {
	o := openOffice(t)
	const set, unset = "set456789abcdefghijklmnop", "unset6789abcdefghijklmnop"
	text := "device;secret;model;from\nk-1;" + set + ";air;\nk 2;" + unset + ";air;\nk-3;;air;not a date\nk-4;;air;\n"
	done := o.through(t.Context(), t, imports.Upload{Files: file(text)})
	if done.Created != 2 || done.Failed != 2 {
		t.Fatalf("%+v", done.Counts)
	}
	if o.onDisk(t, set) || o.onDisk(t, unset) {
		t.Error("a secret of the file is still to be read")
	}
	want := o.table(t, done.ID)
	lines := strings.Split(want, "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "\ufeffdevice,secret,model,from,result,") || !strings.HasPrefix(lines[1], "k-1,,air,,created,") ||
		!strings.HasPrefix(lines[2], "k 2,"+unset+",air,,failed,device,") || !strings.HasPrefix(lines[3], "k-3,,air,not a date,failed,from,") {
		t.Errorf("%s", want)
	}
	o.open(t)
	if got := o.table(t, done.ID); got != want {
		t.Errorf("after a restart:\n%s", got)
	}
}

func TestMadeSecretsAreKeptLockedAndNotForLong(t *testing.T) {
	o := openOffice(t)
	done := o.through(t.Context(), t, imports.Upload{Files: file("device,model\nk-1,air\n"), Credentials: true})
	open, err := json.Marshal(done.Seed)
	must(t, err)
	if len(done.Seed) != 32 || o.onDisk(t, string(open)) {
		t.Fatal("the seed is to be read")
	}
	o.ahead = 71 * time.Hour
	o.open(t)
	if state, err := o.Get(t.Context(), done.ID); err != nil || string(state.Seed) != string(done.Seed) {
		t.Errorf("before three days are over: %v", err)
	}
	o.ahead = 73 * time.Hour
	o.open(t)
	if seed, err := o.TakeSeed(t.Context(), done.ID); err != nil || seed != nil {
		t.Errorf("after three days: %v", err)
	}
	o.ahead = 0
	o.open(t)
	if seed, err := o.TakeSeed(t.Context(), done.ID); err != nil || seed != nil {
		t.Errorf("the seed is still on the disk: %v", err)
	}
}

// An earlier program left files and seeds open.
func TestSecretsOfAnEarlierProgramAreClosed(t *testing.T) {
	o := openOffice(t)
	const secret = "set456789abcdefghijklmnop"
	done := o.through(t.Context(), t, imports.Upload{Files: file("device,model,secret\nk-1,air," + secret + "\nk-2,air,\n"), Credentials: true})
	want, folder := o.table(t, done.ID), filepath.Join(o.dir, done.ID)
	raw, err := json.Marshal(done)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "import.json"), raw, 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "sent-0"), []byte("device,model,secret\nk-1,air,"+secret+"\nk-2,air,\n"), 0o600))
	must(t, os.Remove(filepath.Join(folder, "kept.jsonl")))
	open, err := json.Marshal(done.Seed)
	must(t, err)
	o.open(t)
	if o.onDisk(t, secret) || o.onDisk(t, string(open)) {
		t.Error("they are still to be read")
	}
	if got := o.table(t, done.ID); got != want {
		t.Errorf("its table is now:\n%s", got)
	}
	if seed, err := o.TakeSeed(t.Context(), done.ID); err != nil || string(seed) != string(done.Seed) {
		t.Errorf("the made secrets are lost: %v", err)
	}
}
