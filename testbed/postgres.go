package testbed

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// Postgres is a fresh, empty database on a PostgreSQL server that all tests of
// one test binary share. Kill and Restart mean the server, so a test that uses
// them must not run beside others that use PostgreSQL.
type Postgres struct {
	Server
	URL string // postgres://…/name?sslmode=disable, of a superuser
}

// cluster is the shared server.
type cluster struct {
	sync.Mutex
	p         *process // nil until the first test asks
	bin       string   // folder of the programs
	port      string
	databases int
	sweeper   io.Closer // closing it, as the end of the test binary does, removes the data
}

// The one package variable: Go gives a test binary no other place for what
// outlives a test. An initdb for every test would take seconds.
var shared cluster

// PostgreSQL gives the test a database of its own, dropped when the test ends.
// The first call in a test binary starts the server, and it ends with the
// binary.
func PostgreSQL(t testing.TB) *Postgres {
	t.Helper()
	bin, ok := postgresPrograms()
	if !ok {
		absent(t, "postgresql", "apt-get install postgresql")
	}
	shared.Lock()
	defer shared.Unlock()
	if err := shared.ready(bin); err != nil {
		t.Fatal(err)
	}
	shared.databases++
	name := fmt.Sprintf("test_%d", shared.databases)
	if err := shared.call("createdb", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropDatabase(t, name) })
	return &Postgres{
		Server: Server{t: t, p: shared.p},
		URL:    fmt.Sprintf("postgres://testbed@127.0.0.1:%s/%s?sslmode=disable", shared.port, name),
	}
}

// dropDatabase removes a database; a server that the test has left killed is
// left alone, for the next test starts it again.
func dropDatabase(t testing.TB, name string) {
	shared.Lock()
	defer shared.Unlock()
	if t.Failed() {
		t.Logf("postgresql said last:\n%s", shared.p.tail())
	}
	if shared.p.ended() {
		return
	}
	if err := shared.call("dropdb", "--force", "--if-exists", name); err != nil {
		t.Error(err)
	}
}

// postgresPrograms finds the newest server of Debian's packages, 15 or later,
// else the one on the PATH.
func postgresPrograms() (folder string, ok bool) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	newest := 14
	for _, program := range folders {
		bin := filepath.Dir(program)
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
		if err == nil && version > newest {
			newest, folder = version, bin
		}
	}
	if folder != "" {
		return folder, true
	}
	program, err := exec.LookPath("initdb")
	return filepath.Dir(program), err == nil
}

// ready makes the server if there is none, and starts it if it does not run.
func (c *cluster) ready(bin string) error {
	if c.p == nil {
		if err := c.create(bin); err != nil {
			return err
		}
	}
	if !c.p.ended() {
		return nil
	}
	return c.p.start()
}

func (c *cluster) create(bin string) error {
	dir, err := os.MkdirTemp("", "testbed-postgresql-")
	if err != nil {
		return err
	}
	as, err := unprivileged(dir)
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	c.bin, c.port = bin, strconv.Itoa(port)
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=testbed",
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if said, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	if c.sweeper, err = sweepAfterwards(dir); err != nil {
		return err
	}
	c.p = &process{
		path: filepath.Join(bin, "postgres"), dir: dir, as: as, swept: true,
		args: []string{"-D", data, "-p", c.port, "-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
			"-c", "max_connections=200"}, // commits stay synchronous: they must outlive Kill
		answers: func(ctx context.Context) error {
			return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"),
				"--quiet", "--host=127.0.0.1", "--port="+c.port, "--username=testbed").Run()
		},
	}
	return nil
}

// call runs one of PostgreSQL's client programs against the server.
func (c *cluster) call(program string, args ...string) error {
	args = append([]string{"--host=127.0.0.1", "--port=" + c.port, "--username=testbed"}, args...)
	said, err := exec.Command(filepath.Join(c.bin, program), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}

// unprivileged finds a user to run PostgreSQL as, which refuses to be root,
// and gives them the folder. It is nil for a test that root does not run.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	as, err := user.Lookup("postgres")
	if err != nil {
		if as, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("postgresql refuses to run as root: %w", err)
		}
	}
	uid, err := strconv.ParseUint(as.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(as.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// sweepAfterwards starts a shell that waits until this process is gone,
// however it ends, then ends the server and removes its folder.
func sweepAfterwards(dir string) (io.Closer, error) {
	const script = `cat >/dev/null
pid_file=$1/data/postmaster.pid
pid=$(head -n 1 "$pid_file" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
tries=0
while [ -e "$pid_file" ] && [ $((tries += 1)) -lt 100 ]; do sleep 0.05; done
rm -rf "$1"`
	sweeper := exec.Command("/bin/sh", "-c", script, "sweeper", dir)
	sweeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	pipe, err := sweeper.StdinPipe()
	if err != nil {
		return nil, err
	}
	return pipe, sweeper.Start()
}
