-- Of crm.floor.

-- name: floor_version
SELECT version FROM config_version;

-- name: floor_lock
-- Changes of the configuration wait here for each other.
SELECT version FROM config_version FOR UPDATE;

-- name: floor_queues
SELECT name, ring_ms, wrap_up_ms, strategy, ring_at_once, target_ms, short_abandon_ms,
    max_wait_ms, when_late, max_length, when_full, join_needs, stay_needs, when_empty,
    calendar, when_closed, closing_clears, tiers, steps, recipes,
    coalesce(callback_policies.policy::text, '{}') AS callback
FROM queues LEFT JOIN callback_policies ON callback_policies.queue = name ORDER BY name;

-- name: floor_agents
SELECT id, name, address, wanted, reason, to_ms(since) AS since_ms,
    ARRAY(SELECT queue FROM agent_queues WHERE agent = id ORDER BY position) AS queues,
    ARRAY(SELECT rank FROM agent_queues WHERE agent = id ORDER BY position) AS ranks,
    ARRAY(SELECT skill FROM agent_skills WHERE agent = id ORDER BY skill) AS skills,
    ARRAY(SELECT level FROM agent_skills WHERE agent = id ORDER BY skill) AS levels,
    ARRAY(SELECT language FROM agent_languages WHERE agent = id ORDER BY language) AS languages,
    site, voice, chat, email, weight
FROM agents ORDER BY id;

-- name: floor_entry_points
SELECT number, flow FROM entry_points ORDER BY number;

-- name: floor_skills
SELECT name FROM skills ORDER BY name;

-- name: floor_languages
SELECT name FROM languages ORDER BY name;

-- name: floor_sites
SELECT name FROM sites ORDER BY name;

-- name: floor_calendars
SELECT name, source FROM calendars ORDER BY name;

-- name: floor_selections
SELECT name, policy,
    ARRAY(SELECT queue FROM selection_queues WHERE selection = name ORDER BY queue) AS queues,
    ARRAY(SELECT weight FROM selection_queues WHERE selection = name ORDER BY queue) AS weights
FROM selections ORDER BY name;

-- name: floor_policy
SELECT busy_backoff_ms, voice, chat, email, blocks FROM floor_policy;

-- name: floor_presence
UPDATE agents SET wanted = $2, reason = $3, since = from_ms($4) WHERE id = $1 RETURNING id;

-- name: floor_put_skills
INSERT INTO skills (name) VALUES ($1);

-- name: floor_drop_skills
DELETE FROM skills WHERE name = ANY ($1::text[]);

-- name: floor_put_languages
INSERT INTO languages (name) VALUES ($1);

-- name: floor_drop_languages
DELETE FROM languages WHERE name = ANY ($1::text[]);

-- name: floor_put_sites
INSERT INTO sites (name) VALUES ($1);

-- name: floor_drop_sites
DELETE FROM sites WHERE name = ANY ($1::text[]);

-- name: floor_put_calendars
INSERT INTO calendars (name, source) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET source = excluded.source;

-- name: floor_drop_calendars
DELETE FROM calendars WHERE name = ANY ($1::text[]);

-- name: floor_put_queues
INSERT INTO queues (name, ring_ms, wrap_up_ms, strategy, ring_at_once, target_ms,
    short_abandon_ms, max_wait_ms, when_late, max_length, when_full, join_needs, stay_needs,
    when_empty, calendar, when_closed, closing_clears, tiers, steps, recipes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (name) DO UPDATE SET ring_ms = excluded.ring_ms, wrap_up_ms = excluded.wrap_up_ms,
    strategy = excluded.strategy, ring_at_once = excluded.ring_at_once,
    target_ms = excluded.target_ms, short_abandon_ms = excluded.short_abandon_ms,
    max_wait_ms = excluded.max_wait_ms, when_late = excluded.when_late,
    max_length = excluded.max_length, when_full = excluded.when_full,
    join_needs = excluded.join_needs, stay_needs = excluded.stay_needs,
    when_empty = excluded.when_empty, calendar = excluded.calendar,
    when_closed = excluded.when_closed, closing_clears = excluded.closing_clears,
    tiers = excluded.tiers, steps = excluded.steps, recipes = excluded.recipes;

-- name: floor_drop_queues
DELETE FROM queues WHERE name = ANY ($1::text[]);

-- name: floor_put_callback_policies
-- The queue is touched, so that the configuration gets a new version.
WITH touched AS (UPDATE queues SET name = name WHERE name = $1)
INSERT INTO callback_policies (queue, policy) VALUES ($1, $2)
ON CONFLICT (queue) DO UPDATE SET policy = excluded.policy;

-- name: floor_drop_callback_policies
WITH touched AS (UPDATE queues SET name = name WHERE name = ANY ($1::text[]))
DELETE FROM callback_policies WHERE queue = ANY ($1::text[]);

-- name: floor_put_agents
INSERT INTO agents (id, name, address, site, voice, chat, email, weight)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, address = excluded.address,
    site = excluded.site, voice = excluded.voice, chat = excluded.chat, email = excluded.email,
    weight = excluded.weight;

-- name: floor_drop_agents
DELETE FROM agents WHERE id = ANY ($1::text[]);

-- name: floor_put_agent_queues
INSERT INTO agent_queues (agent, queue, position, rank) VALUES ($1, $2, $3, $4)
ON CONFLICT (agent, queue) DO UPDATE SET position = excluded.position, rank = excluded.rank;

-- name: floor_drop_agent_queues
DELETE FROM agent_queues USING unnest($1::text[], $2::text[]) AS gone (agent, queue)
WHERE agent_queues.agent = gone.agent AND agent_queues.queue = gone.queue;

-- name: floor_put_agent_skills
INSERT INTO agent_skills (agent, skill, level) VALUES ($1, $2, $3)
ON CONFLICT (agent, skill) DO UPDATE SET level = excluded.level;

-- name: floor_drop_agent_skills
DELETE FROM agent_skills USING unnest($1::text[], $2::text[]) AS gone (agent, skill)
WHERE agent_skills.agent = gone.agent AND agent_skills.skill = gone.skill;

-- name: floor_put_agent_languages
INSERT INTO agent_languages (agent, language) VALUES ($1, $2);

-- name: floor_drop_agent_languages
DELETE FROM agent_languages USING unnest($1::text[], $2::text[]) AS gone (agent, language)
WHERE agent_languages.agent = gone.agent AND agent_languages.language = gone.language;

-- name: floor_put_selections
INSERT INTO selections (name, policy) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET policy = excluded.policy;

-- name: floor_drop_selections
DELETE FROM selections WHERE name = ANY ($1::text[]);

-- name: floor_put_selection_queues
INSERT INTO selection_queues (queue, selection, weight) VALUES ($1, $2, $3)
ON CONFLICT (queue) DO UPDATE SET selection = excluded.selection, weight = excluded.weight;

-- name: floor_drop_selection_queues
DELETE FROM selection_queues WHERE queue = ANY ($1::text[]);

-- name: floor_put_floor_policy
INSERT INTO floor_policy (busy_backoff_ms, voice, chat, email, blocks)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (one) DO UPDATE SET busy_backoff_ms = excluded.busy_backoff_ms,
    voice = excluded.voice, chat = excluded.chat, email = excluded.email,
    blocks = excluded.blocks;

-- name: floor_put_entry_points
INSERT INTO entry_points (number, flow) VALUES ($1, $2)
ON CONFLICT (number) DO UPDATE SET flow = excluded.flow;

-- name: floor_drop_entry_points
DELETE FROM entry_points WHERE number = ANY ($1::text[]);
