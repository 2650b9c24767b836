-- Callbacks that are made: attempts as segments, and changed policies told at once.

ALTER TABLE segments DROP CONSTRAINT segments_kind_check;
ALTER TABLE segments ADD CONSTRAINT segments_kind_check CHECK (kind IN
    ('ivr', 'queue', 'ringing', 'talk', 'hold', 'consult', 'transfer', 'wrap_up', 'callback_wait',
    'callback'));

CREATE FUNCTION tell_callback_policy() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    -- Without an id: all is read anew.
    PERFORM pg_notify('sala_callbacks', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER callback_policies_told AFTER INSERT OR UPDATE OR DELETE ON callback_policies
    FOR EACH STATEMENT EXECUTE FUNCTION tell_callback_policy();
