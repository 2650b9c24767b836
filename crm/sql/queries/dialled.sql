-- Of crm.dialled.

-- name: dialled_lock
SELECT pg_advisory_xact_lock(hashtext('sala.dialled'));

-- name: dialled_counts
SELECT count(*) FILTER (WHERE number = $1) AS number, count(*) AS day,
    count(*) FILTER (WHERE i.ended_at IS NULL AND at > from_ms($2) - interval '6 hours') AS at_once
FROM dialled LEFT JOIN interactions i ON i.id = dialled.interaction
WHERE at > from_ms($2) - interval '24 hours';

-- name: dialled_put
INSERT INTO dialled (number, purpose, interaction, at)
VALUES ($1, $2, $3::text::uuid, from_ms($4));
