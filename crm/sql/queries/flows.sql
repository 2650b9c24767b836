-- Of crm.flows.

-- name: flows_add
INSERT INTO flow_versions (version, flow, hash, content, uses, author, note)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7)
ON CONFLICT (version) DO NOTHING RETURNING version;

-- name: flows_lock_alias
SELECT pg_advisory_xact_lock(hashtextextended('flow alias ' || $1, 0));

-- name: flows_pointed
SELECT version FROM flow_aliases WHERE alias = $1;

-- name: flows_point
INSERT INTO flow_aliases AS had (alias, version) VALUES ($1, $2)
ON CONFLICT (alias) DO UPDATE SET version = excluded.version, moved_at = now()
WHERE had.version <> excluded.version RETURNING alias;

-- name: flows_moved
INSERT INTO flow_moves (alias, version, previous, author, note) VALUES ($1, $2, $3, $4, $5);

-- name: flows_aliases
SELECT a.alias, a.version, v.flow, v.author, v.note, to_ms(a.moved_at) AS moved_ms
FROM flow_aliases a JOIN flow_versions v USING (version) ORDER BY a.alias;

-- name: flows_get
SELECT version, flow, hash, content, uses, author, note, to_ms(published_at) AS published_ms
FROM flow_versions WHERE version = $1;

-- name: flows_in_use
WITH RECURSIVE used (alias, version) AS (
    SELECT alias, version FROM flow_aliases
    UNION
    SELECT pinned.key, pinned.value FROM used JOIN flow_versions v USING (version),
        LATERAL jsonb_each_text(v.uses) AS pinned
)
SELECT DISTINCT v.version, v.flow, v.hash, v.content, v.uses, v.author, v.note,
    to_ms(v.published_at) AS published_ms
FROM used JOIN flow_versions v USING (version) ORDER BY v.version;

-- name: flows_versions
SELECT version, flow, hash, content, uses, author, note, to_ms(published_at) AS published_ms
FROM flow_versions WHERE flow = $1 ORDER BY published_at DESC, version LIMIT $2;

-- name: flows_like
SELECT version FROM flow_versions WHERE version LIKE $1 || '%' ORDER BY version LIMIT 2;

-- name: flows_moves
SELECT alias, version, previous, author, note, to_ms(moved_at) AS moved_ms
FROM flow_moves WHERE alias = $1 ORDER BY id DESC LIMIT $2;

-- name: flows_ways
-- How many interactions went from each node of a version straight to another.
WITH steps AS (
    SELECT body ->> 'interaction' AS interaction, body ->> 'node' AS node,
        lead(body ->> 'node') OVER (PARTITION BY body ->> 'interaction' ORDER BY id) AS next
    FROM journal WHERE kind = 'ivr.node' AND body ->> 'version' = $1 AND at_ms >= $2
)
SELECT node, next, count(DISTINCT interaction) AS calls FROM steps WHERE next IS NOT NULL
GROUP BY node, next;

-- name: flows_path
SELECT at_ms, kind, body FROM journal
WHERE body ->> 'interaction' = $1 AND kind LIKE 'ivr.%' ORDER BY id LIMIT 10000;

-- name: credentials_put
INSERT INTO credentials (subject, method, hash, salt, expires_at)
VALUES ($1, $2, $3, $4, from_ms($5))
ON CONFLICT (subject, method) DO UPDATE
SET hash = excluded.hash, salt = excluded.salt, expires_at = excluded.expires_at;

-- name: credentials_get
SELECT hash, salt FROM credentials
WHERE subject = $1 AND method = $2 AND (expires_at IS NULL OR expires_at > from_ms($3)) FOR UPDATE;

-- name: credentials_drop
DELETE FROM credentials WHERE subject = $1 AND method = $2 RETURNING subject;

-- name: credentials_tried
SELECT count(*) FROM credential_tries WHERE subject = $1 AND method = $2 AND at > from_ms($3);

-- name: credentials_wrong
INSERT INTO credential_tries (subject, method, at) VALUES ($1, $2, from_ms($3));

-- name: credentials_forgive
DELETE FROM credential_tries WHERE subject = $1 AND method = $2;
