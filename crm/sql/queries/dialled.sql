-- Of crm.dialled.

-- name: dialled_lock
SELECT pg_advisory_xact_lock(hashtext('sala.dialled'));

-- name: dialled_counts
-- A callback's interaction has ended when it is dialled: it is in progress by its claim or its talk.
-- The attempts of one interaction follow each other: no more than one of them is in progress.
WITH claimed AS MATERIALIZED (
    SELECT coalesce(interaction, id) AS interaction FROM callbacks
    WHERE state = 'waiting' AND holder IS NOT NULL
)
SELECT count(*) FILTER (WHERE number = $1) AS number, count(*) AS day,
    count(*) FILTER (WHERE dialled.interaction IS NULL AND at > from_ms($2) - interval '6 hours')
    + count(DISTINCT dialled.interaction) FILTER (WHERE at > from_ms($2) - interval '6 hours'
        AND dialled.interaction IS DISTINCT FROM $3::text::uuid
        AND (i.ended_at IS NULL
            OR dialled.interaction IN (SELECT interaction FROM claimed)
            OR EXISTS (SELECT FROM segments WHERE segments.interaction = i.id
                AND segments.kind = 'talk' AND segments.ended_at IS NULL))) AS at_once
FROM dialled LEFT JOIN interactions i ON i.id = dialled.interaction
WHERE at > from_ms($2) - interval '24 hours';

-- name: dialled_numbers
SELECT number, count(*) AS count FROM dialled
WHERE number = ANY($1) AND at > from_ms($2) - interval '24 hours' GROUP BY number;

-- name: dialled_put
INSERT INTO dialled (number, purpose, interaction, at)
VALUES ($1, $2, $3::text::uuid, from_ms($4));
