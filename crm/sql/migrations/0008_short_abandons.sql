-- Short abandons are told apart: those who hung up sooner than the queue's threshold.

ALTER TABLE segments
    ADD COLUMN short boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT segments_short_check CHECK (NOT short OR (kind = 'queue' AND outcome = 'abandoned'));
COMMENT ON COLUMN segments.short IS
    'An abandon too short to count against the service level, by the queue''s threshold of that moment.';

CREATE OR REPLACE VIEW queue_totals AS
    SELECT
        queue,
        count(*) FILTER (WHERE ended_at IS NOT NULL) AS offered,
        count(*) FILTER (WHERE outcome = 'answered') AS answered,
        count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
        count(*) FILTER (WHERE outcome = 'called_back') AS called_back,
        count(*) FILTER (WHERE outcome = 'overflowed') AS overflowed,
        count(*) FILTER (WHERE outcome = 'failed') AS failed,
        count(*) FILTER (WHERE ended_at IS NULL) AS waiting,
        count(*) FILTER (WHERE short) AS short_abandoned
    FROM segments
    WHERE kind = 'queue'
    GROUP BY queue;
COMMENT ON VIEW queue_totals IS
    'By queue: offered = answered + abandoned + called_back + overflowed + failed; of the abandoned, short_abandoned were too short to count; waiting is not yet any of these.';

CREATE OR REPLACE VIEW interaction_details AS
    SELECT id, customer_id, arrived_at, ended_at, json_build_object(
        'id', id, 'arrived_ms', to_ms(arrived_at), 'channel', channel, 'direction', direction,
        'customer', customer_id, 'identity_kind', identity_kind, 'identity_value', identity_value,
        'dialled', dialled, 'entry_point', entry_point, 'flow', flow,
        'flow_version', flow_version, 'queue', queue, 'ended_ms', to_ms(ended_at),
        'outcome', outcome, 'ended_by', ended_by,
        'segments', coalesce((
            SELECT json_agg(json_build_object(
                'interaction', interaction, 'seq', seq, 'kind', kind, 'queue', segments.queue,
                'agent', agent, 'offer', offer, 'started_ms', to_ms(started_at),
                'ended_ms', to_ms(segments.ended_at), 'outcome', segments.outcome,
                'short', short) ORDER BY seq)
            FROM segments WHERE interaction = interactions.id), '[]')
        ) AS detail
    FROM interactions;
