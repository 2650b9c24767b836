-- Of crm.floor.

-- name: floor_version
SELECT version FROM config_version;

-- name: floor_queues
SELECT name, ring_ms, wrap_up_ms, strategy FROM queues ORDER BY name;

-- name: floor_agents
SELECT id, name, address, wanted, reason, to_ms(since) AS since_ms,
    ARRAY(SELECT queue FROM agent_queues WHERE agent = agents.id ORDER BY position) AS queues
FROM agents ORDER BY id;

-- name: floor_entry_points
SELECT number, flow FROM entry_points ORDER BY number;

-- name: floor_add_agent
INSERT INTO agents (id, name, address) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING RETURNING id;

-- name: floor_remove_agent
DELETE FROM agents WHERE id = $1 RETURNING id;

-- name: floor_lock_agent
SELECT id FROM agents WHERE id = $1 FOR UPDATE;

-- name: floor_clear_agent_queues
DELETE FROM agent_queues WHERE agent = $1;

-- name: floor_queues_there
SELECT coalesce(array_agg(name), '{}') FROM queues WHERE name = ANY ($1::text[]);

-- name: floor_add_agent_queues
INSERT INTO agent_queues (agent, queue, position)
SELECT $1, queue, position FROM unnest($2::text[]) WITH ORDINALITY AS wanted (queue, position);

-- name: floor_presence
UPDATE agents SET wanted = $2, reason = $3, since = from_ms($4) WHERE id = $1 RETURNING id;

-- name: floor_put_queue
INSERT INTO queues AS had (name, ring_ms, wrap_up_ms, strategy) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET ring_ms = excluded.ring_ms, wrap_up_ms = excluded.wrap_up_ms,
    strategy = excluded.strategy
WHERE (had.ring_ms, had.wrap_up_ms, had.strategy)
    IS DISTINCT FROM (excluded.ring_ms, excluded.wrap_up_ms, excluded.strategy);

-- name: floor_remove_queue
DELETE FROM queues WHERE name = $1 RETURNING name;

-- name: floor_put_entry_point
INSERT INTO entry_points AS had (number, flow) VALUES ($1, $2)
ON CONFLICT (number) DO UPDATE SET flow = excluded.flow WHERE had.flow <> excluded.flow;

-- name: floor_remove_entry_point
DELETE FROM entry_points WHERE number = $1 RETURNING number;

-- name: floor_is_empty
-- The lock makes two first starts at once wait for each other.
SELECT NOT EXISTS (SELECT FROM queues) AND NOT EXISTS (SELECT FROM agents)
    AND NOT EXISTS (SELECT FROM entry_points)
    AND version = 1
FROM config_version FOR UPDATE;
