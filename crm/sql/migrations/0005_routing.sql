-- Routing: what agents can do, how queues choose among them and treat who waits, and when they
-- are open. Steps, recipes and hours are kept as the admin wrote them; acd.policy reads them.

CREATE TABLE skills (
    name  text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$')
);
COMMENT ON TABLE skills IS 'What agents can do, at a level of 1 to 5.';

CREATE TABLE languages (
    name  text PRIMARY KEY CHECK (name ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$')
);
COMMENT ON TABLE languages IS 'Languages that agents speak: tags after BCP 47.';

CREATE TABLE sites (
    name  text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$')
);
COMMENT ON TABLE sites IS 'Where agents work.';

CREATE TABLE calendars (
    name    text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
    source  json NOT NULL CHECK (json_typeof(source) = 'object')
);
COMMENT ON TABLE calendars IS 'Opening hours, for queues and flows alike.';
COMMENT ON COLUMN calendars.source IS 'As the admin wrote it: timezone, week, holidays, special.';

ALTER TABLE queues
    ADD COLUMN ring_at_once smallint NOT NULL DEFAULT 1 CHECK (ring_at_once BETWEEN 1 AND 50),
    ADD COLUMN target_ms integer NOT NULL DEFAULT 20000 CHECK (target_ms >= 1),
    ADD COLUMN short_abandon_ms integer NOT NULL DEFAULT 0 CHECK (short_abandon_ms >= 0),
    ADD COLUMN max_wait_ms integer CHECK (max_wait_ms >= 1),
    ADD COLUMN when_late text NOT NULL DEFAULT 'turn_away' CHECK (length(when_late) <= 200),
    ADD COLUMN max_length integer CHECK (max_length >= 0),
    ADD COLUMN when_full text NOT NULL DEFAULT 'turn_away' CHECK (length(when_full) <= 200),
    ADD COLUMN join_needs text CHECK (join_needs IN ('logged_in', 'active', 'available')),
    ADD COLUMN stay_needs text CHECK (stay_needs IN ('logged_in', 'active')),
    ADD COLUMN when_empty text NOT NULL DEFAULT 'turn_away' CHECK (length(when_empty) <= 200),
    ADD COLUMN calendar text REFERENCES calendars,
    ADD COLUMN when_closed text NOT NULL DEFAULT 'turn_away' CHECK (length(when_closed) <= 200),
    ADD COLUMN closing_clears boolean NOT NULL DEFAULT false,
    ADD COLUMN tiers json NOT NULL DEFAULT '{}' CHECK (json_typeof(tiers) = 'object'),
    ADD COLUMN steps json NOT NULL DEFAULT '[]' CHECK (json_typeof(steps) = 'array'),
    ADD COLUMN recipes json NOT NULL DEFAULT '[]' CHECK (json_typeof(recipes) = 'array');
COMMENT ON COLUMN queues.ring_at_once IS 'How many agents ring for one interaction; one wins.';
COMMENT ON COLUMN queues.target_ms IS 'Service level: answered within this.';
COMMENT ON COLUMN queues.when_late IS
    'After max_wait_ms: voicemail, overflow QUEUE or turn_away [REASON]; so too with the next ones.';
COMMENT ON COLUMN queues.join_needs IS 'Who arrives while no agent is there so goes by when_empty.';
COMMENT ON COLUMN queues.stay_needs IS 'Who waits while no agent is there so goes by when_empty.';
COMMENT ON COLUMN queues.calendar IS 'When it is open; null: always.';
COMMENT ON COLUMN queues.when_closed IS 'As when_late, or wait.';
COMMENT ON COLUMN queues.closing_clears IS 'Whether who waits at closing goes by when_closed too.';
COMMENT ON COLUMN queues.tiers IS 'Head start by customers'' tier, such as {"vip": "60s"}.';
COMMENT ON COLUMN queues.steps IS 'Routing steps, as the admin wrote them.';
COMMENT ON COLUMN queues.recipes IS 'Conditions and actions, as the admin wrote them.';

ALTER TABLE agents
    ADD COLUMN site text REFERENCES sites,
    ADD COLUMN voice smallint CHECK (voice BETWEEN 0 AND 100),
    ADD COLUMN chat smallint CHECK (chat BETWEEN 0 AND 100),
    ADD COLUMN email smallint CHECK (email BETWEEN 0 AND 100),
    ADD COLUMN weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000);
COMMENT ON COLUMN agents.voice IS 'How many at once on this channel; null: as the floor''s policy.';
COMMENT ON COLUMN agents.weight IS 'Share of offers where agents are chosen at random by weight.';

ALTER TABLE agent_queues
    ADD COLUMN rank smallint NOT NULL DEFAULT 1 CHECK (rank BETWEEN 1 AND 100);
COMMENT ON TABLE agent_queues IS 'Which queues an agent serves, listed by position.';
COMMENT ON COLUMN agent_queues.rank IS
    'Preference, 1 first: of rank 2 is served when nobody waits in those of rank 1.';

CREATE TABLE agent_skills (
    agent  text NOT NULL REFERENCES agents ON DELETE CASCADE,
    skill  text NOT NULL REFERENCES skills,
    level  smallint NOT NULL CHECK (level BETWEEN 1 AND 5),
    PRIMARY KEY (agent, skill)
);
CREATE INDEX agent_skills_skill ON agent_skills (skill);
COMMENT ON TABLE agent_skills IS 'Agents'' skills with levels: 1 has a notion of it, 5 teaches it.';

CREATE TABLE agent_languages (
    agent     text NOT NULL REFERENCES agents ON DELETE CASCADE,
    language  text NOT NULL REFERENCES languages,
    PRIMARY KEY (agent, language)
);
CREATE INDEX agent_languages_language ON agent_languages (language);
COMMENT ON TABLE agent_languages IS 'Which languages an agent speaks.';

CREATE TABLE selections (
    name    text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
    policy  text NOT NULL DEFAULT 'priority' CHECK (policy ~ '^[a-z][a-z0-9_]{0,31}$')
);
COMMENT ON TABLE selections IS
    'How a freed agent''s next interaction is chosen among a set of queues.';

CREATE TABLE selection_queues (
    queue      text PRIMARY KEY REFERENCES queues ON DELETE CASCADE,
    selection  text NOT NULL REFERENCES selections ON DELETE CASCADE,
    weight     integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000)
);
CREATE INDEX selection_queues_selection ON selection_queues (selection);
COMMENT ON TABLE selection_queues IS 'The queues of a selection, with their weights or shares.';

CREATE TABLE floor_policy (
    one              boolean PRIMARY KEY DEFAULT true CHECK (one),
    busy_backoff_ms  integer NOT NULL DEFAULT 5000 CHECK (busy_backoff_ms >= 1),
    voice            smallint NOT NULL DEFAULT 1 CHECK (voice BETWEEN 0 AND 100),
    chat             smallint NOT NULL DEFAULT 4 CHECK (chat BETWEEN 0 AND 100),
    email            smallint NOT NULL DEFAULT 6 CHECK (email BETWEEN 0 AND 100),
    blocks           json NOT NULL DEFAULT '{"voice": ["chat", "email"]}'
                     CHECK (json_typeof(blocks) = 'object')
);
INSERT INTO floor_policy DEFAULT VALUES;
COMMENT ON TABLE floor_policy IS 'One row: what holds for all agents.';
COMMENT ON COLUMN floor_policy.busy_backoff_ms IS
    'How long an agent whose phone was busy, or who declined, is left alone.';
COMMENT ON COLUMN floor_policy.voice IS 'How many at once on this channel, of agents without their own.';
COMMENT ON COLUMN floor_policy.blocks IS
    'By channel: on which others an agent is offered nothing while busy on it.';

ALTER TABLE customers
    ADD COLUMN tier text CHECK (tier ~ '^[a-z][a-z0-9_-]{0,31}$');
COMMENT ON COLUMN customers.tier IS
    'What the customer is worth to us, such as vip; queues turn it into a head start.';

DROP TRIGGER agents_changed ON agents;
-- Presence is not configuration: wanted, reason and since change without a new version.
CREATE TRIGGER agents_changed
    AFTER INSERT OR UPDATE OF id, name, address, site, voice, chat, email, weight
    OR DELETE OR TRUNCATE ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER skills_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON skills
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER languages_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON languages
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER sites_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sites
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER calendars_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON calendars
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER agent_skills_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON agent_skills
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER agent_languages_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON agent_languages
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER selections_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON selections
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER selection_queues_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON selection_queues
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
CREATE TRIGGER floor_policy_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON floor_policy
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
