-- Of crm.callbacks.

-- name: callbacks_ingest
INSERT INTO callbacks (number, queue, requested_at, source, interaction, spool_file)
VALUES ($1, $2, from_ms($3), $4, $5::text::uuid, $6)
ON CONFLICT (spool_file) DO NOTHING
RETURNING id::text;

-- name: callbacks_waiting
SELECT id::text, number, to_ms(requested_at) AS requested_ms, source, queue, interaction::text,
    state, spool_file
FROM callbacks WHERE state = 'waiting' ORDER BY requested_at, id;

-- name: callbacks_lock
SELECT pg_advisory_xact_lock(hashtext('sala.callback.' || $1));

-- name: callbacks_owner
SELECT customer_id::text FROM identities WHERE kind = 'phone' AND value = $1;

-- name: callbacks_open
SELECT id::text FROM callbacks
WHERE state = 'waiting' AND queue = $1 AND (number = $2 OR customer_id = $3::text::uuid)
ORDER BY requested_at LIMIT 1;

-- name: callbacks_promise
INSERT INTO callbacks (number, queue, requested_at, source, interaction, customer_id)
VALUES ($1, $2, from_ms($3), 'flow', $4::text::uuid, $5::text::uuid)
RETURNING id::text;
