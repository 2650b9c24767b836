-- Of crm.recorder: one batch, one statement, one transaction. Writing a batch twice changes nothing.

-- name: record_batch
WITH interaction_rows AS (
    SELECT * FROM json_to_recordset($1::json) AS row (
        id uuid, arrived_ms bigint, channel text, direction text, customer uuid, identity json,
        dialled text, entry_point text, flow text, flow_version text, queue text,
        ended_ms bigint, outcome text, ended_by text)
), written_interactions AS (
    INSERT INTO interactions AS had (id, channel, direction, customer_id, identity_kind,
        identity_value, dialled, entry_point, flow, flow_version, queue, arrived_at, ended_at,
        outcome, ended_by)
    SELECT row.id, row.channel, row.direction,
        coalesce(row.customer, (SELECT customer_id FROM interactions WHERE id = row.id), CASE WHEN row.identity ->> 'kind' IS NOT NULL
            THEN find_or_make_customer(row.identity ->> 'kind', row.identity ->> 'value') END),
        row.identity ->> 'kind', row.identity ->> 'value',
        row.dialled, row.entry_point, row.flow, row.flow_version, row.queue,
        from_ms(row.arrived_ms), from_ms(row.ended_ms), row.outcome, row.ended_by
    FROM interaction_rows AS row
    ON CONFLICT (id) DO UPDATE SET
        customer_id = coalesce(excluded.customer_id, had.customer_id),
        identity_kind = coalesce(had.identity_kind, excluded.identity_kind),
        identity_value = coalesce(had.identity_value, excluded.identity_value),
        entry_point = coalesce(excluded.entry_point, had.entry_point),
        flow = coalesce(excluded.flow, had.flow),
        flow_version = coalesce(excluded.flow_version, had.flow_version),
        queue = coalesce(excluded.queue, had.queue),
        ended_at = coalesce(excluded.ended_at, had.ended_at),
        outcome = coalesce(excluded.outcome, had.outcome),
        ended_by = coalesce(excluded.ended_by, had.ended_by)
), written_segments AS (
    INSERT INTO segments AS had (interaction, seq, kind, queue, agent, offer, started_at, ended_at,
        outcome, short)
    SELECT interaction, seq, kind, queue, agent, offer, from_ms(started_ms), from_ms(ended_ms),
        outcome, coalesce(short, false)
    FROM json_to_recordset($2::json) AS row (
        interaction uuid, seq integer, kind text, queue text, agent text, offer text,
        started_ms bigint, ended_ms bigint, outcome text, short boolean)
    ON CONFLICT (interaction, seq) DO UPDATE SET
        queue = coalesce(excluded.queue, had.queue),
        agent = coalesce(excluded.agent, had.agent),
        offer = coalesce(excluded.offer, had.offer),
        ended_at = coalesce(excluded.ended_at, had.ended_at),
        outcome = coalesce(excluded.outcome, had.outcome),
        short = excluded.short OR had.short
), written_presence AS (
    UPDATE agents SET wanted = row.wanted, reason = row.reason, since = from_ms(row.at_ms)
    FROM json_to_recordset($4::json) AS row (agent text, wanted text, reason text, at_ms bigint)
    WHERE agents.id = row.agent
)
INSERT INTO journal (epoch, seq, at_ms, config_version, kind, body)
SELECT epoch, seq, at_ms, config_version, kind, body
FROM json_to_recordset($3::json) AS row (
    epoch text, seq bigint, at_ms bigint, config_version bigint, kind text, body jsonb)
ON CONFLICT (epoch, seq) DO NOTHING;
