-- Flows as they were published: immutable versions, and the aliases that point at them.

CREATE TABLE flow_versions (
    version       text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{12}$'),
    flow          text NOT NULL CHECK (flow ~ '^[A-Za-z][A-Za-z0-9_-]{0,63}$'),
    hash          text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    content       text NOT NULL CHECK (length(content) BETWEEN 1 AND 1048576),
    uses          jsonb NOT NULL DEFAULT '{}',
    author        text NOT NULL CHECK (length(author) BETWEEN 1 AND 200),
    note          text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    published_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX flow_versions_flow ON flow_versions (flow, published_at DESC);
COMMENT ON TABLE flow_versions IS 'A flow file as it was published; never changed afterwards.';
COMMENT ON COLUMN flow_versions.version IS
    'The first 12 hex digits of the SHA-256 of the content and the versions of its subflows.';
COMMENT ON COLUMN flow_versions.hash IS 'The SHA-256 of the content alone.';
COMMENT ON COLUMN flow_versions.uses IS 'The versions of its subflows, by alias.';

CREATE TRIGGER flow_versions_immutable
    BEFORE UPDATE OR DELETE OR TRUNCATE ON flow_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE flow_aliases (
    alias     text PRIMARY KEY CHECK (alias ~ '^[A-Za-z][A-Za-z0-9_-]{0,63}$'),
    version   text NOT NULL REFERENCES flow_versions,
    moved_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE flow_aliases IS
    'A name, such as main or staging, that points at a version; entry points point at it.';
CREATE TRIGGER flow_aliases_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON flow_aliases
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();

CREATE TABLE flow_moves (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alias     text NOT NULL,
    version   text NOT NULL REFERENCES flow_versions,
    previous  text REFERENCES flow_versions,
    author    text NOT NULL CHECK (length(author) BETWEEN 1 AND 200),
    note      text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    moved_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX flow_moves_alias ON flow_moves (alias, id DESC);
COMMENT ON TABLE flow_moves IS 'Who let which alias point at which version, and when.';
CREATE TRIGGER flow_moves_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON flow_moves
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Callers' ways through flows are journalled in epochs `ivr.<run>`, of kinds `ivr.<what>`.
CREATE INDEX journal_ivr ON journal ((body ->> 'interaction'), id) WHERE kind LIKE 'ivr.%';
CREATE INDEX journal_ivr_nodes ON journal ((body ->> 'version'), at_ms) WHERE kind = 'ivr.node';

-- PINs and one-time codes, and the tries at them.

CREATE TABLE credentials (
    subject     text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    method      text NOT NULL CHECK (method IN ('pin', 'otp')),
    hash        bytea NOT NULL,
    salt        bytea NOT NULL,
    expires_at  timestamptz,
    PRIMARY KEY (subject, method)
);
COMMENT ON TABLE credentials IS 'What proves a subject: a PIN or a one-time code, as scrypt hashes.';

CREATE TABLE credential_tries (
    subject  text NOT NULL,
    method   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX credential_tries_subject ON credential_tries (subject, method, at);
COMMENT ON TABLE credential_tries IS 'Wrong tries, until one succeeds: they count across calls.';
