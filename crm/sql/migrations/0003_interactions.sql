-- What happened: interactions, their segments, the journal, and callbacks.
--
-- History names queues, agents and flows as they were called then; it holds no reference to the
-- configuration, so that removing a queue neither loses history nor stops a write.

CREATE TABLE interactions (
    id              uuid PRIMARY KEY,
    channel         text NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_]{0,31}$'),
    direction       text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    customer_id     uuid REFERENCES customers ON DELETE SET NULL,
    identity_kind   text,
    identity_value  text,
    dialled         text NOT NULL DEFAULT '',
    entry_point     text,
    flow            text,
    flow_version    text,
    queue           text,
    arrived_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    outcome         text CHECK (outcome IN
        ('answered', 'abandoned', 'called_back', 'overflowed', 'failed', 'ended_in_flow')),
    ended_by        text CHECK (ended_by ~ '^[a-z][a-z0-9_]{0,31}$'),
    CHECK ((identity_kind IS NULL) = (identity_value IS NULL)),
    CHECK (ended_at IS NULL OR outcome IS NOT NULL)
);
CREATE INDEX interactions_customer ON interactions (customer_id, arrived_at DESC);
CREATE INDEX interactions_arrived ON interactions (arrived_at DESC);
CREATE INDEX interactions_open ON interactions (arrived_at) WHERE ended_at IS NULL;
COMMENT ON TABLE interactions IS 'One contact through one channel, from arrival to wrap-up.';
COMMENT ON COLUMN interactions.identity_value IS
    'Who came, as recognised on arrival; null when withheld or not an identity.';
COMMENT ON COLUMN interactions.queue IS 'The last queue it was in.';
COMMENT ON COLUMN interactions.ended_by IS 'Which side ended it, such as customer, agent or system.';

CREATE TABLE segments (
    interaction  uuid NOT NULL REFERENCES interactions ON DELETE CASCADE,
    seq          integer NOT NULL CHECK (seq >= 1),
    kind         text NOT NULL CHECK (kind IN ('ivr', 'queue', 'ringing', 'talk', 'hold',
        'consult', 'transfer', 'wrap_up', 'callback_wait')),
    queue        text,
    agent        text,
    offer        text,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    outcome      text CHECK (outcome ~ '^[a-z][a-z0-9_]{0,31}$'),
    PRIMARY KEY (interaction, seq),
    -- What makes segments add up: a stay in a queue ends in exactly one of five ways.
    CHECK (kind <> 'queue' OR queue IS NOT NULL),
    CHECK (kind <> 'queue' OR (ended_at IS NULL AND outcome IS NULL)
        OR (ended_at IS NOT NULL AND outcome IS NOT NULL AND outcome IN
            ('answered', 'abandoned', 'called_back', 'overflowed', 'failed')))
);
CREATE INDEX segments_queue ON segments (queue, started_at) WHERE kind = 'queue';
CREATE INDEX segments_open ON segments (interaction) WHERE ended_at IS NULL;
COMMENT ON TABLE segments IS
    'One stretch of an interaction. A segment of kind queue lasts from entering a queue until answered '
    'or gone; those of kind ringing lie within it, one for each offer.';

CREATE VIEW queue_totals AS
    SELECT
        queue,
        count(*) FILTER (WHERE ended_at IS NOT NULL) AS offered,
        count(*) FILTER (WHERE outcome = 'answered') AS answered,
        count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
        count(*) FILTER (WHERE outcome = 'called_back') AS called_back,
        count(*) FILTER (WHERE outcome = 'overflowed') AS overflowed,
        count(*) FILTER (WHERE outcome = 'failed') AS failed,
        count(*) FILTER (WHERE ended_at IS NULL) AS waiting
    FROM segments
    WHERE kind = 'queue'
    GROUP BY queue;
COMMENT ON VIEW queue_totals IS
    'By queue: offered = answered + abandoned + called_back + overflowed + failed; waiting is not yet either.';

CREATE TABLE journal (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch           text NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64),
    seq             bigint NOT NULL CHECK (seq >= 0),
    at_ms           bigint NOT NULL,
    config_version  bigint NOT NULL,
    kind            text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    body            jsonb NOT NULL,
    UNIQUE (epoch, seq)
);
COMMENT ON TABLE journal IS
    'The append-only log of everything that changed the floor. An epoch is one run of the service; seq counts within it.';

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER journal_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE callbacks (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number        text NOT NULL CHECK (number ~ '^\+[1-9][0-9]{1,14}$'),
    queue         text,
    requested_at  timestamptz NOT NULL,
    source        text NOT NULL CHECK (source ~ '^[a-z][a-z0-9_]{0,31}$'),
    interaction   uuid,
    state         text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'done', 'cancelled', 'failed')),
    spool_file    text UNIQUE CHECK (length(spool_file) BETWEEN 1 AND 255),
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX callbacks_waiting ON callbacks (requested_at) WHERE state = 'waiting';
COMMENT ON TABLE callbacks IS 'A place in a queue kept for a customer who has hung up.';
COMMENT ON COLUMN callbacks.interaction IS
    'The call that asked for it. No reference: a request taken while the service was away may come before its interaction, or without.';
COMMENT ON COLUMN callbacks.spool_file IS
    'Name of the file it came from, so that a file is taken in once, whatever happens in between.';

CREATE VIEW interaction_details AS
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
                'ended_ms', to_ms(segments.ended_at), 'outcome', segments.outcome) ORDER BY seq)
            FROM segments WHERE interaction = interactions.id), '[]')
        ) AS detail
    FROM interactions;
COMMENT ON VIEW interaction_details IS
    'An interaction with its segments, as one JSON object in the words of the services.';
