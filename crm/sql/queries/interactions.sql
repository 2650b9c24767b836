-- Of crm.interactions.

-- name: interactions_get
SELECT detail FROM interaction_details WHERE id = $1::text::uuid;

-- name: interactions_recent
SELECT detail FROM interaction_details ORDER BY arrived_at DESC, id DESC LIMIT $1;

-- name: interactions_by_customer
SELECT detail FROM interaction_details WHERE customer_id = $1::text::uuid
ORDER BY arrived_at DESC, id DESC LIMIT $2;

-- name: interactions_open
SELECT detail FROM interaction_details WHERE ended_at IS NULL ORDER BY arrived_at, id;

-- name: interactions_close_lost
WITH closed AS (
    UPDATE interactions
    SET ended_at = greatest(from_ms($2), arrived_at), outcome = $3, ended_by = $4
    WHERE id = ANY ($1::text[]::uuid[]) AND ended_at IS NULL
    RETURNING id
), closed_segments AS (
    UPDATE segments
    SET ended_at = greatest(from_ms($2), started_at),
        -- A stay in a queue that nobody saw end has failed, unless the interaction says how it ended.
        outcome = CASE WHEN kind <> 'queue' OR $3 <> 'ended_in_flow' THEN $3 ELSE 'failed' END
    FROM closed
    WHERE segments.interaction = closed.id AND segments.ended_at IS NULL
)
SELECT id::text FROM closed;

-- name: interactions_queue_totals
SELECT queue, offered, answered, abandoned, called_back, overflowed, failed, waiting
FROM queue_totals ORDER BY queue;
