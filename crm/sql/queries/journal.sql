-- Of crm.journal.

-- name: journal_read
SELECT epoch, seq, at_ms, config_version, kind, body FROM journal
WHERE epoch = $1 AND seq >= $2 AND ($3::bigint IS NULL OR seq < $3) ORDER BY seq LIMIT $4;

-- name: journal_epochs
SELECT epoch FROM journal GROUP BY epoch ORDER BY min(id);

-- name: journal_runs
SELECT epoch FROM journal WHERE is_run(epoch)
GROUP BY epoch HAVING max(at_ms) >= $1 AND min(at_ms) <= $2 ORDER BY min(id);

-- name: journal_last
SELECT DISTINCT ON (epoch) epoch, seq, at_ms, config_version, kind, body FROM journal
WHERE epoch = ANY($1::text[]) ORDER BY epoch, seq DESC;

-- name: journal_last_before
SELECT epoch, seq, at_ms, config_version, kind, body FROM journal
WHERE epoch = $1 AND at_ms < $2 ORDER BY seq DESC LIMIT 1;

-- name: journal_keep
INSERT INTO journal (epoch, seq, at_ms, config_version, kind, body)
VALUES ($1, $2, $3, $4, $5, $6::text::jsonb) ON CONFLICT (epoch, seq) DO NOTHING;
