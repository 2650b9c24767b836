-- Callbacks from promise to end: when they are due, who holds the live attempt, what became of them.

DROP INDEX callbacks_waiting;
DROP INDEX callbacks_open;
ALTER TABLE callbacks DROP CONSTRAINT callbacks_state_check;
ALTER TABLE callbacks
    ADD COLUMN place        json CHECK (json_typeof(place) = 'object'),
    ADD COLUMN due_at       timestamptz,
    ADD COLUMN expires_at   timestamptz,
    ADD COLUMN owner        text CHECK (length(owner) BETWEEN 1 AND 64),
    ADD COLUMN language     text CHECK (length(language) BETWEEN 1 AND 35),
    ADD COLUMN told_until   timestamptz,
    ADD COLUMN attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    ADD COLUMN fence        bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    ADD COLUMN holder       text CHECK (length(holder) BETWEEN 1 AND 64),
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN ended_at     timestamptz,
    ADD COLUMN reason       text CHECK (reason ~ '^[a-z][a-z0-9_]{0,31}$'),
    ADD COLUMN merged_into  uuid;
UPDATE callbacks SET state = CASE state WHEN 'done' THEN 'connected' ELSE state END,
    ended_at = created_at
    WHERE state <> 'waiting';
UPDATE callbacks SET state = 'merged', ended_at = now(), reason = 'asked_twice', merged_into = kept.id
    FROM callbacks AS kept
    WHERE callbacks.state = 'waiting' AND kept.state = 'waiting'
        AND kept.number = callbacks.number
        AND kept.queue IS NOT DISTINCT FROM callbacks.queue
        AND (kept.requested_at, kept.id) < (callbacks.requested_at, callbacks.id);
UPDATE callbacks SET due_at = requested_at;
ALTER TABLE callbacks
    ALTER COLUMN due_at SET NOT NULL,
    ADD CONSTRAINT callbacks_state_check CHECK (state IN
        ('waiting', 'connected', 'failed', 'expired', 'cancelled', 'merged')),
    ADD CONSTRAINT callbacks_ends CHECK ((state = 'waiting') = (ended_at IS NULL)),
    ADD CONSTRAINT callbacks_lease CHECK ((holder IS NULL) = (leased_until IS NULL)),
    -- A claim changes no indexed column: with room on the page, no index grows (HOT), and an old
    -- open transaction, which keeps dead rows, costs a claim nothing but a step on the same page.
    SET (fillfactor = 60);
CREATE UNIQUE INDEX callbacks_one_open ON callbacks (coalesce(queue, ''), number)
    WHERE state = 'waiting';
CREATE UNIQUE INDEX callbacks_one_open_customer ON callbacks (coalesce(queue, ''), customer_id)
    WHERE state = 'waiting' AND customer_id IS NOT NULL;
CREATE INDEX callbacks_waiting ON callbacks (due_at) WHERE state = 'waiting';
CREATE INDEX callbacks_number ON callbacks (number, requested_at DESC);
COMMENT ON COLUMN callbacks.place IS
    'What the router kept of the call that asked (criteria, steps, priority), as the journal writes it.';
COMMENT ON COLUMN callbacks.due_at IS 'Not dialled before; later than requested_at if scheduled.';
COMMENT ON COLUMN callbacks.expires_at IS 'Not dialled after; null: as the queue''s policy.';
COMMENT ON COLUMN callbacks.owner IS 'The agent whose personal callback it is.';
COMMENT ON COLUMN callbacks.told_until IS 'The latest moment the customer was told.';
COMMENT ON COLUMN callbacks.attempts IS 'Attempts that count against the maximum.';
COMMENT ON COLUMN callbacks.fence IS
    'Grows with each claim; a result that brings an older one comes too late.';
COMMENT ON COLUMN callbacks.holder IS 'Which worker holds the live attempt; null: none.';
COMMENT ON COLUMN callbacks.leased_until IS 'When others may claim it, by the database''s clock.';
COMMENT ON COLUMN callbacks.reason IS 'Why it ended, such as busy, customer or do_not_call.';
COMMENT ON COLUMN callbacks.merged_into IS 'The call, or the callback, that took its place.';

CREATE FUNCTION callbacks_end_once() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'callback % has ended' , OLD.id USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER callbacks_end_once
    BEFORE UPDATE OF state ON callbacks
    FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION callbacks_end_once();

CREATE TABLE callback_attempts (
    callback    uuid NOT NULL REFERENCES callbacks ON DELETE CASCADE,
    fence       bigint NOT NULL,
    holder      text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz,
    outcome     text CHECK (outcome ~ '^[a-z][a-z0-9_]{0,31}$'),
    PRIMARY KEY (callback, fence),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE callback_attempts IS
    'One claim of a callback, and what came of the dialling. Without an end: live, or its worker died.';

CREATE TABLE callback_declines (
    interaction  uuid NOT NULL,
    queue        text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (interaction, queue)
);
COMMENT ON TABLE callback_declines IS 'Callers who were offered a callback and stayed in line.';

CREATE TABLE do_not_call (
    number  text PRIMARY KEY CHECK (number ~ '^\+[1-9][0-9]{1,14}$'),
    since   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE do_not_call IS 'Numbers that no callback is promised to, or dialled.';

CREATE TABLE callback_policies (
    queue   text PRIMARY KEY REFERENCES queues ON DELETE CASCADE,
    policy  json NOT NULL CHECK (json_typeof(policy) = 'object')
);
COMMENT ON TABLE callback_policies IS
    'How callbacks of a queue are made, as the admin wrote it; what is absent has its default.';

CREATE VIEW callback_rows AS
    SELECT id::text, number, to_ms(requested_at) AS requested_ms, source, queue,
        interaction::text, state, spool_file, customer_id::text AS customer, place,
        to_ms(due_at) AS due_ms, to_ms(expires_at) AS expires_ms, owner, language,
        to_ms(told_until) AS told_ms, attempts, fence, holder, to_ms(ended_at) AS ended_ms, reason,
        merged_into::text
    FROM callbacks;
COMMENT ON VIEW callback_rows IS 'Callbacks in the words of the services.';

CREATE VIEW callback_totals AS
    SELECT
        queue,
        coalesce(accepted, 0) + coalesce(declined, 0) AS offered,
        coalesce(accepted, 0) AS accepted,
        coalesce(declined, 0) AS declined,
        coalesce(waiting, 0) AS waiting,
        coalesce(attempted, 0) AS attempted,
        coalesce(connected, 0) AS connected,
        coalesce(failed, 0) AS failed,
        coalesce(expired, 0) AS expired,
        coalesce(cancelled, 0) AS cancelled,
        coalesce(merged, 0) AS merged,
        coalesce(told, 0) AS told,
        coalesce(kept, 0) AS kept,
        mean_ms
    FROM (
        SELECT
            coalesce(queue, '') AS queue,
            count(*) AS accepted,
            count(*) FILTER (WHERE state = 'waiting') AS waiting,
            count(*) FILTER (WHERE EXISTS (SELECT FROM callback_attempts AS made
                WHERE made.callback = callbacks.id AND made.outcome IS DISTINCT FROM 'withdrawn'))
                AS attempted,
            count(*) FILTER (WHERE state = 'connected') AS connected,
            count(*) FILTER (WHERE state = 'failed') AS failed,
            count(*) FILTER (WHERE state = 'expired') AS expired,
            count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE state = 'merged') AS merged,
            count(*) FILTER (WHERE told_until IS NOT NULL
                AND state IN ('connected', 'failed', 'expired')) AS told,
            count(*) FILTER (WHERE state = 'connected' AND ended_at <= told_until) AS kept,
            (avg(extract(epoch FROM ended_at - requested_at))
                FILTER (WHERE state = 'connected') * 1000)::bigint AS mean_ms
        FROM callbacks GROUP BY 1
    ) AS made
    FULL JOIN (
        SELECT queue, count(*) AS declined FROM callback_declines GROUP BY queue
    ) AS not_taken USING (queue);
COMMENT ON VIEW callback_totals IS
    'By queue: offered = accepted + declined; accepted = waiting + connected + failed + expired + '
    'cancelled + merged. Attempted: dialled at least once. Kept: of those told a '
    'time and not cancelled or merged, how many were connected by then. Mean: from request to connection.';

CREATE FUNCTION tell_callback() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('sala_callbacks', NEW.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER callbacks_told_new AFTER INSERT ON callbacks
    FOR EACH ROW EXECUTE FUNCTION tell_callback();
CREATE TRIGGER callbacks_told AFTER UPDATE OF state, due_at, queue, owner ON callbacks
    FOR EACH ROW WHEN (
        (OLD.state, OLD.due_at, OLD.queue, OLD.owner)
        IS DISTINCT FROM (NEW.state, NEW.due_at, NEW.queue, NEW.owner))
    EXECUTE FUNCTION tell_callback();
