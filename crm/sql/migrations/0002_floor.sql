-- The floor: queues, agents, and the numbers that lead to flows.

CREATE TABLE queues (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
    ring_ms     integer NOT NULL DEFAULT 20000 CHECK (ring_ms BETWEEN 1000 AND 300000),
    wrap_up_ms  integer NOT NULL DEFAULT 10000 CHECK (wrap_up_ms BETWEEN 0 AND 3600000),
    strategy    text NOT NULL DEFAULT 'longest_idle' CHECK (strategy ~ '^[a-z][a-z0-9_]{0,31}$')
);
COMMENT ON TABLE queues IS 'A queue and its policy.';

CREATE TABLE agents (
    id       text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    name     text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    address  text NOT NULL UNIQUE CHECK (address ~ '^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}$'),
    wanted   text NOT NULL DEFAULT 'offline' CHECK (wanted IN ('offline', 'available', 'paused')),
    reason   text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    since    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE agents IS 'A person who takes contacts, their device, and the presence they asked for.';
COMMENT ON COLUMN agents.address IS 'The address the switch rings: a SIP account.';
COMMENT ON COLUMN agents.since IS 'When wanted and reason last changed.';

CREATE TABLE agent_queues (
    agent     text NOT NULL REFERENCES agents ON DELETE CASCADE,
    queue     text NOT NULL REFERENCES queues ON DELETE CASCADE,
    position  smallint NOT NULL CHECK (position >= 1),
    PRIMARY KEY (agent, queue),
    UNIQUE (agent, position) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX agent_queues_queue ON agent_queues (queue);
COMMENT ON TABLE agent_queues IS 'Which queues an agent serves, in the order they are preferred.';

CREATE TABLE entry_points (
    number  text PRIMARY KEY CHECK (number ~ '^[+]?[0-9*#]{1,32}$'),
    flow    text NOT NULL CHECK (flow ~ '^[a-z][a-z0-9_-]{0,63}$')
);
COMMENT ON TABLE entry_points IS 'The dialled number, and the flow alias it leads to.';

CREATE TABLE config_version (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    version     bigint NOT NULL,
    changed_by  xid8
);
INSERT INTO config_version (version) VALUES (1);
COMMENT ON TABLE config_version IS
    'One row: grows with every change of the floor''s configuration, told on channel sala_config.';
COMMENT ON COLUMN config_version.changed_by IS 'The transaction of the last change: each makes one version.';

CREATE FUNCTION bump_config_version() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    grown bigint;
BEGIN
    UPDATE config_version SET version = version + 1, changed_by = pg_current_xact_id()
        WHERE changed_by IS DISTINCT FROM pg_current_xact_id()
        RETURNING version INTO grown;
    IF FOUND THEN
        PERFORM pg_notify('sala_config', grown::text);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER queues_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON queues
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
-- Presence is not configuration: wanted, reason and since change without a new version.
CREATE TRIGGER agents_changed
    AFTER INSERT OR UPDATE OF id, name, address OR DELETE OR TRUNCATE ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER agent_queues_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON agent_queues
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER entry_points_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON entry_points
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
