-- Of crm.migrations.

-- name: migrations_table
CREATE TABLE IF NOT EXISTS migrations (
    number      integer PRIMARY KEY,
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- name: migrations_applied
SELECT number, name, checksum FROM migrations ORDER BY number;

-- name: migrations_add
INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3);
