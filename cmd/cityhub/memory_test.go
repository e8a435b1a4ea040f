package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	bridge "cityhub/broker-bridge"
	"cityhub/telemetry"
	"cityhub/telemetry/quota"
)

func TestTheNotebookGivesBackWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.json")
	at := time.Date(2025, 7, 1, 2, 3, 4, 5, time.UTC)
	want := memory{Ended: true, Broker: brokerMemory{"tcp://broker:1883", "hub", bridge.Memory{Session: true, Taking: at}},
		Arrears:   quota.Arrears{Time: time.Minute, Until: at},
		Sequences: []telemetry.Counted{{Device: 1, Last: 9, At: 8, Pace: 7, Missing: [][2]int64{{2, 3}}}}}
	empty, damage := (&notebook{path: path}).read()
	if damage != nil || !cmp.Equal(empty, memory{}) {
		t.Fatalf("a hub's first start knows %+v, %v", empty, damage)
	}
	if err := (&notebook{path: path}).write(want); err != nil {
		t.Fatal(err)
	}
	got, damage := (&notebook{path: path}).read()
	if diff := cmp.Diff(want, got); damage != nil || diff != "" {
		t.Error(damage, diff)
	}
}

func TestADamagedNotebookIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.json")
	if err := os.WriteFile(path, []byte(`{"Ended":true,"Broker":{"Session":`), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &notebook{path: path}
	if got, damage := n.read(); damage == nil || !cmp.Equal(got, memory{}) {
		t.Errorf("read %+v, %v", got, damage)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
	if err := n.write(memory{}); err != nil {
		t.Error(err)
	}
}
