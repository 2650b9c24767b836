-- What became of callbacks is told in one place, for any span of time.

DROP VIEW callback_totals;
CREATE FUNCTION callback_report(
    since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity')
    RETURNS TABLE (
        queue text, offered bigint, accepted bigint, declined bigint, waiting bigint,
        attempted bigint, connected bigint, failed bigint, expired bigint, cancelled bigint,
        merged bigint, told bigint, kept bigint, mean_ms bigint, median_ms bigint, p90_ms bigint)
    LANGUAGE sql STABLE
AS $$
SELECT queue, coalesce(accepted, 0) + coalesce(declined, 0) AS offered,
    coalesce(accepted, 0) AS accepted, coalesce(declined, 0) AS declined,
    coalesce(waiting, 0) AS waiting, coalesce(attempted, 0) AS attempted,
    coalesce(connected, 0) AS connected, coalesce(failed, 0) AS failed,
    coalesce(expired, 0) AS expired, coalesce(cancelled, 0) AS cancelled,
    coalesce(merged, 0) AS merged, coalesce(told, 0) AS told, coalesce(kept, 0) AS kept,
    mean_ms, median_ms, p90_ms
FROM (
    SELECT coalesce(queue, '') AS queue, count(*) AS accepted,
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
        avg(took) FILTER (WHERE state = 'connected')::bigint AS mean_ms,
        percentile_cont(.5) WITHIN GROUP (ORDER BY took)
            FILTER (WHERE state = 'connected')::bigint AS median_ms,
        percentile_cont(.9) WITHIN GROUP (ORDER BY took)
            FILTER (WHERE state = 'connected')::bigint AS p90_ms
    FROM callbacks, LATERAL (SELECT to_ms(ended_at) - to_ms(requested_at) AS took) AS time
    WHERE requested_at >= since AND requested_at < until
    GROUP BY 1
) AS made
FULL JOIN (
    SELECT queue, count(*) AS declined FROM callback_declines
    WHERE at >= since AND at < until GROUP BY queue
) AS not_taken USING (queue)
ORDER BY queue;
$$;
COMMENT ON FUNCTION callback_report IS
    'Of what was asked for, or declined, in a span of time, by queue: offered = accepted + declined; '
    'accepted = waiting + connected + failed + expired + cancelled + merged. Attempted: dialled at '
    'least once. Kept: of those told a time and not cancelled or merged, how many were connected by '
    'then. Mean, median and 90th percentile: from request to connection.';
