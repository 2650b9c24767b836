-- Of crm.estimates: estimates of waits, and what came.

-- name: estimates_scored
SELECT given.queue, given.at_ms, given.p10, given.p50, given.p90, given.mean,
    stay.outcome, to_ms(stay.ended_at) - given.at_ms AS waited_ms
FROM (
    SELECT at_ms, body ->> 'queue' AS queue, (body ->> 'interaction')::uuid AS interaction,
        (body ->> 'p10')::bigint AS p10, (body ->> 'p50')::bigint AS p50,
        (body ->> 'p90')::bigint AS p90, (body ->> 'mean')::bigint AS mean
    FROM journal
    WHERE kind = 'estimate' AND epoch LIKE 'ewt.%' AND at_ms BETWEEN $1 AND $2
) AS given
JOIN segments AS stay ON stay.interaction = given.interaction AND stay.kind = 'queue'
    AND stay.queue = given.queue AND to_ms(stay.started_at) <= given.at_ms
    AND to_ms(stay.ended_at) >= given.at_ms
ORDER BY given.queue, given.at_ms;
