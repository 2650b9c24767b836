-- Of crm.interactions.

-- name: interactions_get
SELECT detail FROM interaction_details WHERE id = $1::text::uuid;

-- name: interactions_some
SELECT detail FROM interaction_details WHERE id = ANY($1::text[]::uuid[]);

-- name: interactions_recent
SELECT detail FROM interaction_details ORDER BY arrived_at DESC, id DESC LIMIT $1;

-- name: interactions_by_customer
SELECT detail FROM interaction_details WHERE customer_id = $1::text::uuid
ORDER BY arrived_at DESC, id DESC LIMIT $2;

-- name: interactions_open
SELECT detail FROM interaction_details WHERE id IN (
    SELECT id FROM interactions WHERE ended_at IS NULL
    UNION
    SELECT interaction FROM segments WHERE ended_at IS NULL
) ORDER BY arrived_at, id;

-- name: interactions_queue_totals
SELECT queue, offered, answered, abandoned, called_back, overflowed, failed, waiting,
    short_abandoned
FROM queue_totals ORDER BY queue;

-- name: interactions_last_talks
SELECT agent, to_ms(max(segments.ended_at)) AS ended_ms
FROM interactions JOIN segments ON segments.interaction = interactions.id
WHERE interactions.arrived_at >= from_ms($1) AND segments.kind IN ('talk', 'wrap_up')
    AND segments.ended_at IS NOT NULL AND agent IS NOT NULL
GROUP BY agent;

-- name: interactions_today
-- What an agent does at once counts once: ringing, talks, holds, consults, wrap-ups.
WITH stretches AS (
    SELECT segments.agent, segments.interaction, segments.offer, segments.kind, started_at,
        greatest(started_at, from_ms($1)) AS first,
        least(coalesce(segments.ended_at, from_ms($2)), from_ms($2)) AS last
    FROM interactions JOIN segments ON segments.interaction = interactions.id
    WHERE interactions.arrived_at >= from_ms($1) - interval '1 day'
        AND segments.agent IS NOT NULL AND segments.kind <> 'queue'
), contacts AS (
    SELECT agent, count(*) AS contacts FROM (
        SELECT agent FROM stretches WHERE kind = 'talk'
        GROUP BY agent, interaction, offer HAVING min(started_at) >= from_ms($1)
    ) AS talks GROUP BY agent
), occupied AS (
    SELECT agent, sum(to_ms(upper(span)) - to_ms(lower(span)))::bigint AS busy_ms FROM (
        SELECT agent, unnest(range_agg(tstzrange(first, last))) AS span
        FROM stretches WHERE first < last GROUP BY agent
    ) AS spans GROUP BY agent
)
SELECT agent, coalesce(contacts, 0) AS contacts, coalesce(busy_ms, 0) AS busy_ms
FROM contacts FULL JOIN occupied USING (agent);

-- name: interaction_spans
SELECT id::text AS id, to_ms(arrived_at) AS arrived_ms, to_ms(greatest(ended_at, (
    SELECT max(ended_at) FROM segments WHERE interaction = interactions.id))) AS ended_ms
FROM interactions WHERE id::text LIKE $1 || '%' ORDER BY arrived_at DESC LIMIT 2;

-- name: interactions_last_of
-- Whoever an agent talks with, or talked with last if that was over since $2.
SELECT interactions.id::text AS interaction, identity_value AS number, segments.queue,
    customers.language
FROM segments JOIN interactions ON interactions.id = segments.interaction
LEFT JOIN customers ON customers.id = interactions.customer_id
WHERE segments.agent = $1 AND segments.kind = 'talk'
    AND (segments.ended_at IS NULL OR segments.ended_at >= from_ms($2))
    AND (identity_kind IS NULL OR identity_kind = 'phone')
ORDER BY segments.started_at DESC LIMIT 1;

-- name: interactions_customer
SELECT customer_id::text FROM interactions WHERE id = $1::text::uuid;
