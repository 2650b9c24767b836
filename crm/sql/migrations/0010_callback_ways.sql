-- Callbacks are told to others: a changed number to who dials it, promises and ends to event_url.

DROP TRIGGER callbacks_told ON callbacks;
CREATE TRIGGER callbacks_told AFTER UPDATE OF state, due_at, queue, owner, number ON callbacks
    FOR EACH ROW WHEN (
        (OLD.state, OLD.due_at, OLD.queue, OLD.owner, OLD.number)
        IS DISTINCT FROM (NEW.state, NEW.due_at, NEW.queue, NEW.owner, NEW.number))
    EXECUTE FUNCTION tell_callback();

-- The journal is the outbox of events; the row is written with the change that it tells. The number
-- is put in when the event is told: it stands in no journal.
CREATE FUNCTION note_callback() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO journal (epoch, seq, at_ms, config_version, kind, body)
    SELECT 'callback.' || NEW.id, CASE NEW.state WHEN 'waiting' THEN 1 ELSE 2 END,
        to_ms(clock_timestamp()), version, 'ivr.event',
        jsonb_build_object(
            'interaction', coalesce(NEW.interaction, NEW.id),
            'event', 'callback.' || CASE NEW.state WHEN 'waiting' THEN 'promised' ELSE NEW.state END,
            'data', jsonb_build_object(
                'callback', NEW.id, 'queue', coalesce(NEW.queue, ''), 'source', NEW.source,
                'customer', coalesce(NEW.customer_id::text, ''),
                'language', coalesce(NEW.language, ''), 'attempts', NEW.attempts,
                'due_ms', to_ms(NEW.due_at), 'reason', coalesce(NEW.reason, '')))
    FROM config_version
    ON CONFLICT (epoch, seq) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER callbacks_noted_new AFTER INSERT ON callbacks
    FOR EACH ROW EXECUTE FUNCTION note_callback();
CREATE TRIGGER callbacks_noted AFTER UPDATE OF state ON callbacks
    FOR EACH ROW WHEN (OLD.state = 'waiting' AND NEW.state <> 'waiting')
    EXECUTE FUNCTION note_callback();

CREATE INDEX callbacks_customer ON callbacks (customer_id) WHERE customer_id IS NOT NULL;
