package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	holdPatience = 3 * time.Second // a hub that was killed a moment ago may still be seen
	holdCheck    = 5 * time.Second // how soon a hold that went with its connection is taken anew
)

// heldBy is the lock of a store among all of a PostgreSQL: that of a schema.
const heldBy = `1667851369, hashtext(coalesce(current_schema(), ''))`

// hold keeps a PostgreSQL store for this process: what one program changes,
// another that has read the store before would not see. It is a lock of the
// server on a connection of its own, and ends with it.
type hold struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn // nil while the server is away
	stop   context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	taken  error // ErrInUse once another has the store
}

// holdStore takes the store, or answers ErrInUse.
func holdStore(ctx context.Context, config *pgx.ConnConfig) (*hold, error) {
	h := &hold{config: config.Copy()}
	host, _ := os.Hostname()
	h.config.RuntimeParams["application_name"] = fmt.Sprintf("cityhub, process %d on %s", os.Getpid(), host)
	for begin := time.Now(); ; {
		err := h.take(ctx)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrInUse) || time.Since(begin) > holdPatience {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(holdPatience / 30):
		}
	}
	watch, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.done.Go(func() { h.watch(watch) })
	return h, nil
}

// take makes sure of the hold, on a new connection where the last is gone.
func (h *hold) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*holdCheck)
	defer cancel()
	if h.conn != nil && h.conn.Ping(ctx) == nil {
		return nil
	}
	if h.conn != nil {
		_ = h.conn.Close(ctx) // it is gone already
		h.conn = nil
	}
	conn, err := pgx.ConnectConfig(ctx, h.config)
	if err != nil {
		return err
	}
	if err := lockStore(ctx, conn); err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	h.conn = conn
	return nil
}

// lockStore has the server let go of the lock soon when this machine is gone.
func lockStore(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config('tcp_keepalives_idle', '5', false),
		set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`)
	if err != nil {
		return err
	}
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+heldBy+")").Scan(&got); err != nil || got {
		return err
	}
	holder := "another program"
	err = conn.QueryRow(ctx, `SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND (l.classid, l.objid) = (SELECT c::oid, (o::bigint & 4294967295)::oid FROM (VALUES (`+heldBy+`)) k (c, o))
		AND a.application_name <> ''`).Scan(&holder)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return fmt.Errorf("%w PostgreSQL (%s holds it); stop it first", ErrInUse, holder)
}

// watch takes the hold anew when its connection was lost, until the end, or
// until another program took it: what that changed is not known here.
func (h *hold) watch(ctx context.Context) {
	tick := time.NewTicker(holdCheck)
	defer tick.Stop()
	for h.lost() == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := h.take(ctx); errors.Is(err, ErrInUse) { // else the server is away, and whoever asks it is told
			h.mu.Lock()
			h.taken = fmt.Errorf("the connection was gone, and another program took the store: %w; then start this one anew", err)
			h.mu.Unlock()
		}
	}
}

// lost answers ErrInUse once another program has the store.
func (h *hold) lost() error {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.taken
}

func (h *hold) release() error {
	h.stop()
	h.done.Wait()
	if h.conn == nil {
		return nil
	}
	return h.conn.Close(context.Background())
}
