-- What past calls tell: of acd.simulation.history and acd.estimates.

-- name: history_arrivals
SELECT queue, extract(hour FROM started_at AT TIME ZONE $3)::int AS hour, count(*)::float AS calls,
    (SELECT count(DISTINCT (other.started_at AT TIME ZONE $3)::date) FROM segments AS other
        WHERE other.kind = 'queue' AND other.queue = segments.queue
            AND other.started_at >= from_ms($1) AND other.started_at < from_ms($2)) AS days
FROM segments
WHERE kind = 'queue' AND started_at >= from_ms($1) AND started_at < from_ms($2)
GROUP BY queue, hour ORDER BY queue, hour;

-- name: history_queues
-- A contact is its talks and the holds between them.
SELECT queue,
    count(*) FILTER (WHERE kind = 'talk') AS talks,
    greatest(avg(ms) FILTER (WHERE kind = 'talk'), 1)::float AS talk_ms,
    coalesce(stddev_samp(ms) FILTER (WHERE kind = 'talk'), 0)::float AS deviation_ms,
    coalesce(sum(ms) FILTER (WHERE kind = 'queue'), 0)::float AS waited_ms,
    count(*) FILTER (WHERE kind = 'queue' AND outcome = 'abandoned') AS abandoned
FROM (
    SELECT queue, kind, outcome, to_ms(ended_at) - to_ms(started_at) AS ms FROM segments
    WHERE kind = 'queue' AND queue IS NOT NULL AND ended_at IS NOT NULL
        AND started_at >= from_ms($1) AND started_at < from_ms($2)
    UNION ALL
    SELECT queue, 'talk', NULL, to_ms(max(ended_at)) - to_ms(min(started_at)) FROM segments
    WHERE kind IN ('talk', 'hold') AND queue IS NOT NULL
        AND started_at >= from_ms($1) AND started_at < from_ms($2)
    GROUP BY interaction, queue, agent, offer HAVING bool_and(ended_at IS NOT NULL)
) AS past
GROUP BY queue ORDER BY queue;

-- name: history_handled
SELECT queue, to_ms(started_at) AS at_ms, to_ms(over) - to_ms(started_at) AS ms FROM (
    SELECT queue, min(started_at) AS started_at, greatest(max(ended_at), (
        SELECT max(wrap.ended_at) FROM segments AS wrap
        WHERE wrap.interaction = stretch.interaction AND wrap.kind = 'wrap_up'
            AND wrap.agent = stretch.agent)) AS over
    FROM (
        SELECT interaction, queue, agent, offer, started_at, ended_at FROM segments
        WHERE kind IN ('talk', 'hold') AND queue IS NOT NULL AND started_at >= from_ms($1)
        ORDER BY started_at DESC LIMIT $2
    ) AS stretch
    GROUP BY interaction, queue, agent, offer HAVING bool_and(ended_at IS NOT NULL)
) AS past ORDER BY at_ms;

-- name: history_presence
-- When agents came and went, by the decisions of the router's runs that reach into a span.
WITH runs AS (
    SELECT epoch, max(at_ms) AS over FROM journal WHERE is_run(epoch)
    GROUP BY epoch HAVING max(at_ms) >= $1 AND min(at_ms) < $2
), moves AS (
    SELECT runs.epoch, runs.over, journal.id, one.number, at_ms, one.row ->> 1 AS agent,
        one.row ->> 2 NOT IN ('offline', 'paused') AS here
    FROM runs JOIN journal USING (epoch),
        jsonb_array_elements(body -> 'decided') WITH ORDINALITY AS one (row, number)
    WHERE one.row ->> 0 = 'moved'
), changes AS (
    SELECT *, lag(here, 1, false) OVER (PARTITION BY epoch, agent ORDER BY id, number) AS before
    FROM moves
), spans AS (
    SELECT agent, at_ms, here,
        lead(at_ms, 1, over) OVER (PARTITION BY epoch, agent ORDER BY id, number) AS until
    FROM changes WHERE here <> before
)
SELECT agent, greatest(at_ms, $1) AS begins, least(until, $2) AS ends FROM spans
WHERE here AND greatest(at_ms, $1) < least(until, $2) ORDER BY agent, begins;
