-- Whom an agent spoke to last, and by which numbers a customer with a callback may call again.

CREATE INDEX segments_talks ON segments (agent, started_at DESC) WHERE kind = 'talk';

CREATE OR REPLACE VIEW callback_rows AS
    SELECT id::text, number, to_ms(requested_at) AS requested_ms, source, queue,
        interaction::text, state, spool_file, customer_id::text AS customer, place,
        to_ms(due_at) AS due_ms, to_ms(expires_at) AS expires_ms, owner, language,
        to_ms(told_until) AS told_ms, attempts, fence, holder, to_ms(ended_at) AS ended_ms, reason,
        merged_into::text,
        ARRAY(SELECT value FROM identities
            WHERE identities.customer_id = callbacks.customer_id AND kind = 'phone'
                AND value <> number ORDER BY value) AS phones
    FROM callbacks;

-- A number that becomes a customer's, or is theirs no more, is told to who makes their callbacks.
CREATE FUNCTION tell_callbacks_of() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('sala_callbacks', id::text) FROM callbacks
        WHERE state = 'waiting' AND customer_id IN (OLD.customer_id, NEW.customer_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER identities_told AFTER INSERT OR UPDATE OR DELETE ON identities
    FOR EACH ROW EXECUTE FUNCTION tell_callbacks_of();
