-- Customers, and the ways to recognise them.

CREATE FUNCTION from_ms(ms bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN timestamptz '1970-01-01 00:00:00+00' + ms * interval '1 millisecond';
COMMENT ON FUNCTION from_ms IS 'Milliseconds since the Unix epoch, as the services count, to a time.';

CREATE FUNCTION to_ms(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (extract(epoch FROM at) * 1000)::bigint;
COMMENT ON FUNCTION to_ms IS 'A time to milliseconds since the Unix epoch.';

CREATE TABLE customers (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text CHECK (length(name) BETWEEN 1 AND 200),
    language    text CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE customers IS 'A person or account that all channels share.';
COMMENT ON COLUMN customers.language IS 'Language tag (BCP 47); null while unknown.';

CREATE TABLE identities (
    kind         text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'),
    value        text NOT NULL CHECK (length(value) BETWEEN 1 AND 320),
    customer_id  uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, value),
    CHECK (kind <> 'phone' OR value ~ '^\+[1-9][0-9]{1,14}$')
);
CREATE INDEX identities_customer ON identities (customer_id);
COMMENT ON TABLE identities IS
    'One way to reach or recognise a customer: phone in E.164, email, chat id. Unique by kind and value.';

-- The insert decides: of two sessions that bring the same new identity, one waits for the other's
-- commit at the primary key, then finds its customer. A customer row is made only by the winner.
CREATE FUNCTION find_or_make_customer(wanted_kind text, wanted_value text) RETURNS uuid
    LANGUAGE plpgsql
AS $$
DECLARE
    owner uuid;
    fresh uuid;
BEGIN
    LOOP
        SELECT customer_id INTO owner FROM identities
            WHERE kind = wanted_kind AND value = wanted_value;
        IF FOUND THEN
            RETURN owner;
        END IF;
        fresh := gen_random_uuid();
        WITH customer AS (
            INSERT INTO customers (id) VALUES (fresh)
        )
        INSERT INTO identities (kind, value, customer_id)
            VALUES (wanted_kind, wanted_value, fresh)
            ON CONFLICT (kind, value) DO NOTHING
            RETURNING customer_id INTO owner;
        IF FOUND THEN
            RETURN owner;
        END IF;
        -- Another session won: take our customer back, and look again.
        DELETE FROM customers WHERE id = fresh;
    END LOOP;
END
$$;
COMMENT ON FUNCTION find_or_make_customer IS
    'The customer of an identity, made if new. Safe when several sessions ask for the same at once.';
