-- Of crm.deliveries.

-- name: deliveries_due
-- A callback's event gets its number here: the journal holds none.
SELECT j.id, j.at_ms, coalesce(d.attempts, 0) AS attempts, CASE WHEN c.number IS NULL THEN j.body
    ELSE jsonb_set(j.body, '{data,number}', to_jsonb(c.number)) END AS body
FROM journal j LEFT JOIN event_deliveries d ON d.journal = j.id
    LEFT JOIN callbacks c ON j.epoch LIKE 'callback.%' AND c.id::text = substr(j.epoch, 10)
WHERE j.kind = 'ivr.event' AND j.at_ms > $1
    AND (d.journal IS NULL
        OR (d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.next_at <= from_ms($2)))
ORDER BY j.id LIMIT $3;

-- name: deliveries_next
SELECT to_ms(min(next_at)) FROM event_deliveries
WHERE delivered_at IS NULL AND given_up_at IS NULL;

-- name: deliveries_done
INSERT INTO event_deliveries (journal, attempts, next_at, delivered_at)
VALUES ($1, $2, from_ms($3), from_ms($3))
ON CONFLICT (journal) DO UPDATE SET attempts = EXCLUDED.attempts,
    delivered_at = EXCLUDED.delivered_at, fault = '';

-- name: deliveries_failed
INSERT INTO event_deliveries (journal, attempts, next_at, given_up_at, fault)
VALUES ($1, $2, from_ms($3), CASE WHEN $4::boolean THEN from_ms($3) END, left($5, 200))
ON CONFLICT (journal) DO UPDATE SET attempts = EXCLUDED.attempts, next_at = EXCLUDED.next_at,
    given_up_at = EXCLUDED.given_up_at, fault = EXCLUDED.fault;
