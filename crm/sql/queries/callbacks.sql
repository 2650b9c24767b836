-- Of crm.callbacks and crm.attempts.

-- name: callbacks_ingest
INSERT INTO callbacks
    (number, queue, requested_at, due_at, source, interaction, spool_file, customer_id)
SELECT $1, $2, from_ms($3), from_ms($3), $4, $5::text::uuid, $6,
    (SELECT customer_id FROM identities WHERE kind = 'phone' AND value = $1)
WHERE NOT EXISTS (SELECT FROM do_not_call WHERE number = $1)
ON CONFLICT DO NOTHING
RETURNING id::text;

-- name: callbacks_waiting
SELECT * FROM callback_rows WHERE state = 'waiting' ORDER BY requested_ms, id;

-- name: callbacks_sealed
SELECT * FROM callback_rows WHERE id IN (SELECT id::text FROM callbacks WHERE sealed);

-- name: callbacks_list
SELECT * FROM callback_rows
WHERE ($1::text IS NULL OR queue = $1) AND ($2 OR state = 'waiting')
ORDER BY requested_ms DESC, id LIMIT $3;

-- name: callbacks_get
SELECT * FROM callback_rows WHERE id = $1;

-- name: callbacks_named
-- By the whole id or its end, as people copy it.
SELECT * FROM callback_rows WHERE id LIKE '%' || $1 ORDER BY requested_ms DESC LIMIT 2;

-- name: callbacks_attempts
SELECT fence, holder, to_ms(started_at) AS started_ms, to_ms(ended_at) AS ended_ms, outcome
FROM callback_attempts WHERE callback = $1::text::uuid ORDER BY fence;

-- name: callbacks_lock
SELECT pg_advisory_xact_lock(hashtext('sala.callback.' || $1));

-- name: callbacks_owner
SELECT customer_id::text FROM identities WHERE kind = 'phone' AND value = $1;

-- name: callbacks_open
SELECT id::text FROM callbacks
WHERE state = 'waiting' AND coalesce(queue, '') = $1
    AND (number = $2 OR customer_id = $3::text::uuid)
ORDER BY requested_at LIMIT 1;

-- name: callbacks_promise
WITH taken AS (  -- who declined at first has accepted
    DELETE FROM callback_declines WHERE interaction = $4::text::uuid
)
INSERT INTO callbacks (number, queue, requested_at, interaction, customer_id, source, due_at,
    expires_at, owner, language, told_until, place)
VALUES ($1, $2, from_ms($3), $4::text::uuid, $5::text::uuid, $6, from_ms($7), from_ms($8), $9, $10,
    from_ms($11), $12)
ON CONFLICT DO NOTHING
RETURNING id::text;

-- name: callbacks_hasten
-- Somebody on the line has one already: it comes no later than what they wait for now.
UPDATE callbacks SET due_at = least(due_at, from_ms($2)),
    source = CASE WHEN due_at > from_ms($2) THEN $3 ELSE source END,
    told_until = coalesce(from_ms($4), told_until),
    place = CASE WHEN ($5::json ->> 'entered')::bigint < CASE
        WHEN source = 'slot' AND due_at > from_ms($2) THEN to_ms(due_at)
        ELSE coalesce((place ->> 'entered')::bigint, to_ms(requested_at)) END
        THEN $5::json ELSE place END
WHERE id = $1::text::uuid AND state = 'waiting'
RETURNING pg_notify('sala_callbacks', id::text);

-- name: callbacks_open_of
SELECT * FROM callback_rows
WHERE state = 'waiting' AND coalesce(queue, '') = $1 AND (number = $2 OR customer =
    (SELECT customer_id::text FROM identities WHERE kind = 'phone' AND value = $2))
ORDER BY requested_ms LIMIT 1;

-- name: callbacks_of_customer
-- To any number of theirs, also where it became theirs after the promise.
SELECT * FROM callback_rows
WHERE state = 'waiting' AND (customer = $1 OR number IN (
    SELECT value FROM identities WHERE kind = 'phone' AND customer_id = $1::text::uuid))
ORDER BY requested_ms, id;

-- name: callbacks_ahead
SELECT count(*) FROM callbacks
WHERE state = 'waiting' AND coalesce(queue, '') = coalesce($1, '')
    AND (requested_at, id) < (from_ms($2), $3::text::uuid);

-- name: callbacks_open_count
SELECT count(*) FROM callbacks WHERE state = 'waiting' AND number = $1;

-- name: callbacks_taken
SELECT to_ms(due_at) AS due_ms, count(*) FROM callbacks
WHERE state = 'waiting' AND queue = $1 AND source = $2 AND owner IS NULL
    AND due_at >= from_ms($3) AND due_at < from_ms($4)
GROUP BY due_at;

-- name: callbacks_due_in
SELECT count(*) FROM callbacks
WHERE state = 'waiting' AND queue = $1 AND source = $2 AND owner IS NULL
    AND due_at >= from_ms($3) AND due_at < from_ms($4);

-- name: callbacks_last
SELECT to_ms(max(requested_at)) FROM callbacks
WHERE source = $2 AND (number = $1 OR customer_id = $3::text::uuid);

-- name: callbacks_change_number
UPDATE callbacks SET number = $2, customer_id = coalesce(
        (SELECT identities.customer_id FROM identities WHERE kind = 'phone' AND value = $2),
        customer_id)
WHERE id = $1::text::uuid AND state = 'waiting'
    AND NOT EXISTS (SELECT FROM do_not_call WHERE do_not_call.number = $2)
RETURNING id::text;

-- name: callbacks_reschedule
UPDATE callbacks SET due_at = from_ms($2),
    expires_at = CASE WHEN expires_at IS NULL THEN NULL
        ELSE from_ms($2) + greatest(expires_at - due_at, interval '1 hour') END
WHERE id = $1::text::uuid AND state = 'waiting' RETURNING id::text;

-- name: callbacks_reassign
UPDATE callbacks SET queue = coalesce($2, queue), owner = $3
WHERE id = $1::text::uuid AND state = 'waiting' RETURNING id::text;

-- name: callbacks_end
-- Ends one that is open, live attempt or not; the attempt's own result then comes too late.
WITH gone AS (
    UPDATE callbacks SET state = $2, reason = $3, ended_at = from_ms($4),
        merged_into = $5::text::uuid, holder = NULL, leased_until = NULL
    WHERE id = $1::text::uuid AND state = 'waiting' RETURNING id
), cut AS (
    UPDATE callback_attempts SET ended_at = clock_timestamp(), outcome = 'given_up'
    FROM gone WHERE callback = gone.id AND callback_attempts.ended_at IS NULL
)
SELECT id::text FROM gone;

-- name: callbacks_claim
-- The one way to an attempt. Waits for nobody but another claim of the same row; no indexed column
-- changes.
WITH claimed AS (
    UPDATE callbacks SET fence = fence + 1, holder = $2,
        attempts = attempts + (holder IS NOT NULL)::integer,
        leased_until = clock_timestamp() + $3 * interval '1 millisecond'
    WHERE id = $1::text::uuid AND state = 'waiting'
        AND (leased_until IS NULL OR leased_until < clock_timestamp())
        AND NOT EXISTS (SELECT FROM do_not_call WHERE do_not_call.number = callbacks.number)
    RETURNING id, fence, attempts
), lost AS (
    UPDATE callback_attempts SET ended_at = clock_timestamp(), outcome = 'lost'
    FROM claimed WHERE callback = claimed.id AND callback_attempts.fence = claimed.fence - 1
        AND ended_at IS NULL
), begun AS (
    INSERT INTO callback_attempts (callback, fence, holder) SELECT id, fence, $2 FROM claimed
)
SELECT fence, attempts FROM claimed;

-- name: callbacks_leases
SELECT id::text,
    greatest(0, extract(epoch FROM leased_until - clock_timestamp()) * 1000)::integer AS left_ms
FROM callbacks WHERE state = 'waiting' AND leased_until IS NOT NULL;

-- name: callbacks_refusal
SELECT CASE WHEN state <> 'waiting' THEN 'ended'
    WHEN EXISTS (SELECT FROM do_not_call WHERE number = callbacks.number) THEN 'do_not_call'
    ELSE 'held' END
FROM callbacks WHERE id = $1::text::uuid;

-- name: callbacks_renew
UPDATE callbacks SET leased_until = clock_timestamp() + $3 * interval '1 millisecond'
WHERE id = $1::text::uuid AND fence = $2 AND holder IS NOT NULL RETURNING id::text;

-- name: callbacks_finish
WITH finished AS (
    UPDATE callbacks SET holder = NULL, leased_until = NULL, attempts = attempts + $4,
        state = $5, sealed = false, reason = $6,
        due_at = greatest(from_ms($7), due_at),  -- it may have been put off meanwhile
        ended_at = CASE $5 WHEN 'waiting' THEN NULL ELSE from_ms($8) END
    WHERE id = $1::text::uuid AND fence = $2 AND holder IS NOT NULL
        AND (state = 'waiting' OR sealed)
    RETURNING id
), noted AS (
    UPDATE callback_attempts SET ended_at = clock_timestamp(), outcome = $3
    FROM finished WHERE callback = finished.id AND fence = $2
)
SELECT id::text FROM finished;

-- name: callbacks_seal
WITH talk AS (
    UPDATE callbacks SET state = 'connected', sealed = true, ended_at = from_ms($3)
    WHERE id = $1::text::uuid AND fence = $2 AND holder IS NOT NULL
        AND (state = 'waiting' OR sealed)
    RETURNING id
), noted AS (
    UPDATE callback_attempts SET ended_at = clock_timestamp(), outcome = 'connected'
    FROM talk WHERE callback = talk.id AND fence = $2
)
SELECT id::text FROM talk;

-- name: callbacks_unseal
WITH parted AS (
    UPDATE callbacks SET state = 'waiting', sealed = false, ended_at = NULL
    WHERE id = $1::text::uuid AND fence = $2 AND sealed RETURNING id
), noted AS (
    UPDATE callback_attempts SET ended_at = NULL, outcome = NULL
    FROM parted WHERE callback = parted.id AND fence = $2
)
SELECT id::text FROM parted;

-- name: callbacks_confirm
UPDATE callbacks SET sealed = false, holder = NULL, leased_until = NULL
WHERE sealed AND leased_until < clock_timestamp() RETURNING id::text;

-- name: callbacks_finished
-- Whether this very result was taken before.
SELECT EXISTS (SELECT FROM callback_attempts
    WHERE callback = $1::text::uuid AND fence = $2 AND outcome = $3);

-- name: callbacks_decline
INSERT INTO callback_declines (interaction, queue, at) VALUES ($1::text::uuid, $2, from_ms($3))
ON CONFLICT DO NOTHING;

-- name: callbacks_forbid
INSERT INTO do_not_call (number) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: callbacks_forbidden
SELECT EXISTS (SELECT FROM do_not_call WHERE number = $1);

-- name: callbacks_of_number
SELECT id::text FROM callbacks WHERE number = $1 AND state = 'waiting' ORDER BY id;

-- name: callbacks_allow
DELETE FROM do_not_call WHERE number = $1 RETURNING number;

-- name: callbacks_report
SELECT * FROM callback_report(from_ms($1), from_ms($2));

-- name: callbacks_counts
SELECT coalesce(queue, '') AS queue, count(*) FILTER (WHERE due_at <= from_ms($1)) AS waiting,
    count(*) FILTER (WHERE due_at > from_ms($1)) AS scheduled,
    count(*) FILTER (WHERE holder IS NOT NULL) AS dialling
FROM callbacks WHERE state = 'waiting' GROUP BY 1 ORDER BY 1;
