package database

import (
	"context"
	"strings"

	"github.com/uptrace/bun/schema"
)

// rowsAtOnce is how many rows one statement keeps, the most first: few texts,
// so that few statements are prepared.
var rowsAtOnce = []int{64, 8, 1}

// insertAll keeps new rows of a table, in their order.
func (s *session) insertAll(ctx context.Context, t *schema.Table, rows []newRow) error {
	for _, n := range rowsAtOnce {
		for ; len(rows) >= n; rows = rows[n:] {
			some := rows[:n]
			same := shared(some)
			s.queue.args = gather(s.queue.args[:0], some, same)
			text := s.textOf(insertText{t, n, some[0].id != 0, same})
			if _, err := s.exec(ctx, text, s.queue.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// shared has a bit for each column that holds one value in all rows: who did
// it, which model it is, and all that a new row leaves empty. Such a value is
// one argument.
func shared(rows []newRow) (same uint64) {
	for c, first := range rows[0].args {
		same |= 1 << c
		for i := range rows {
			if rows[i].args[c] != first {
				same &^= 1 << c
				break
			}
		}
	}
	return same
}

// gather lists the arguments: all values of the first row, and of each other
// those that are its own.
func gather(args []any, rows []newRow, same uint64) []any {
	for i := range rows {
		if rows[i].id != 0 {
			args = append(args, rows[i].id)
		}
		for c, value := range rows[i].args {
			if i == 0 || same>>c&1 == 0 {
				args = append(args, value)
			}
		}
	}
	return args
}

// insertText says what a statement is like.
type insertText struct {
	table *schema.Table
	rows  int
	named bool   // the rows bring their ids
	same  uint64 // the columns that are shared
}

// mostTexts bounds those that are remembered; files of one kind need some ten.
const mostTexts = 100

func (s *session) textOf(i insertText) string {
	text, known := s.queue.texts[i]
	if !known {
		if len(s.queue.texts) >= mostTexts {
			clear(s.queue.texts)
		}
		text = s.compose(i)
		s.queue.texts[i] = text
	}
	return text
}

func (s *session) compose(i insertText) string {
	text, columns := strings.Builder{}, make([]string, 0, len(i.table.DataFields)+1)
	if i.named {
		columns = append(columns, "id")
		i.same <<= 1
	}
	for _, f := range i.table.DataFields {
		columns = append(columns, string(f.SQLName))
	}
	text.WriteString("INSERT INTO " + string(i.table.SQLName) + " (" + strings.Join(columns, ", ") + ") VALUES ")
	next, marks := 1, make([]string, len(columns))
	for row := range i.rows {
		for c := range marks {
			if row > 0 && i.same>>c&1 == 1 {
				marks[c] = s.engine.numbered(c + 1) // the first row's
				continue
			}
			marks[c] = s.engine.placeholder(next)
			next++
		}
		if row > 0 {
			text.WriteString(", ")
		}
		text.WriteString("(" + strings.Join(marks, ", ") + ")")
	}
	return text.String()
}
