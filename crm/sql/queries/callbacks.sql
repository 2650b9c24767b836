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
