-- Of crm.customers.

-- name: customers_find_or_make
SELECT find_or_make_customer($1, $2);

-- name: customers_get
SELECT id::text, name, language, tier, to_ms(created_at) AS created_ms,
    ARRAY(SELECT kind FROM identities WHERE customer_id = customers.id ORDER BY kind, value)
        AS kinds,
    ARRAY(SELECT value FROM identities WHERE customer_id = customers.id ORDER BY kind, value)
        AS values
FROM customers WHERE id = $1::text::uuid;

-- name: customers_by_identity
SELECT customer_id::text FROM identities WHERE kind = $1 AND value = $2;

-- name: customers_last_agent
SELECT segments.agent FROM identities
JOIN interactions ON interactions.customer_id = identities.customer_id
JOIN segments ON segments.interaction = interactions.id
WHERE identities.kind = $1 AND identities.value = $2
    AND segments.kind = 'talk' AND segments.agent IS NOT NULL
ORDER BY interactions.arrived_at DESC, segments.started_at DESC LIMIT 1;

-- name: customers_keep_language
UPDATE customers SET language = $2
WHERE id = (SELECT customer_id FROM interactions WHERE id = $1::text::uuid);

-- name: customers_set_tier
UPDATE customers SET tier = $2 WHERE id = $1::text::uuid RETURNING id::text;
