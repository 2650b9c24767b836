-- That customer and agent talk is written before they are connected; who does not come to talk is
-- open again.

ALTER TABLE callbacks
    ADD COLUMN sealed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT callbacks_sealed CHECK (
        NOT sealed OR (state = 'connected' AND holder IS NOT NULL));
COMMENT ON COLUMN callbacks.sealed IS
    'They are about to be connected: whoever holds the live attempt says next whether they talk. '
    'When its lease has run out, they did.';
-- Not on the lease: a claim is to change no indexed column.
CREATE INDEX callbacks_sealed ON callbacks (id) WHERE sealed;

DROP TRIGGER callbacks_end_once ON callbacks;
CREATE TRIGGER callbacks_end_once
    BEFORE UPDATE OF state ON callbacks
    FOR EACH ROW WHEN (OLD.state <> 'waiting' AND NOT OLD.sealed)
    EXECUTE FUNCTION callbacks_end_once();

DROP TRIGGER callbacks_noted ON callbacks;
CREATE TRIGGER callbacks_noted AFTER UPDATE OF state, sealed ON callbacks
    FOR EACH ROW WHEN (
        (OLD.state = 'waiting' OR OLD.sealed) AND NEW.state <> 'waiting' AND NOT NEW.sealed)
    EXECUTE FUNCTION note_callback();

CREATE FUNCTION is_dialled(outcome text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(outcome, '') NOT IN ('withdrawn', 'capped', 'undialled');
COMMENT ON FUNCTION is_dialled IS
    'Whether a customer was dialled in an attempt that came to this; null: it is live.';
CREATE OR REPLACE VIEW callback_totals AS
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
                WHERE made.callback = callbacks.id AND is_dialled(made.outcome)))
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
