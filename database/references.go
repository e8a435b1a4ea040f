package database

import "context"

// foreignKey is one reference of SQLite's schema.
type foreignKey struct{ from, table, to string }

func references(ctx context.Context, on runner, query, table string) ([]foreignKey, error) {
	rows, err := on.QueryContext(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []foreignKey
	for rows.Next() {
		var k foreignKey
		if err := rows.Scan(&k.from, &k.table, &k.to); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// exists says whether a row holds the value; NULL refers to nothing and is
// taken as found.
func exists(ctx context.Context, on runner, table, column string, value any) (bool, error) {
	found := false
	query := "SELECT ?1 IS NULL OR EXISTS (SELECT 1 FROM " + table + " WHERE " + column + " = ?1)"
	err := one(ctx, on, query, value, &found)
	return found, err
}

// one scans the first row into a place, and leaves that alone when there is none.
func one(ctx context.Context, on runner, query string, arg, into any) error {
	rows, err := on.QueryContext(ctx, query, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(into); err != nil {
			return err
		}
	}
	return rows.Err()
}
