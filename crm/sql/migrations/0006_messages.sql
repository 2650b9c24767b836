-- What flows promise and pass on: voicemail, callbacks, dialled numbers, events told to others.

CREATE TABLE mailboxes (
    name   text PRIMARY KEY CHECK (name ~ '^[A-Za-z][A-Za-z0-9_-]{0,63}$'),
    title  text NOT NULL DEFAULT '' CHECK (length(title) <= 200)
);
COMMENT ON TABLE mailboxes IS 'A place that voicemail messages are left in.';
INSERT INTO mailboxes (name, title) VALUES ('office', 'Office');
CREATE TRIGGER mailboxes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON mailboxes
    FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();

CREATE TABLE voicemails (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mailbox      text NOT NULL REFERENCES mailboxes,
    interaction  uuid NOT NULL,
    recording    text NOT NULL UNIQUE CHECK (recording ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$'),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    length_ms    integer NOT NULL CHECK (length_ms > 0),
    left_at      timestamptz NOT NULL,
    deleted_at   timestamptz
);
CREATE INDEX voicemails_mailbox ON voicemails (mailbox, left_at DESC) WHERE deleted_at IS NULL;
COMMENT ON TABLE voicemails IS
    'A message somebody left. A row is made once its recording lies on disk; the caller is told after.';
COMMENT ON COLUMN voicemails.interaction IS
    'The call it was left in. No reference: its row may be written after this one.';
COMMENT ON COLUMN voicemails.recording IS 'Name of the file in the folder of recordings.';
COMMENT ON COLUMN voicemails.deleted_at IS 'When the recording was removed; the row stays.';

ALTER TABLE callbacks ADD COLUMN customer_id uuid REFERENCES customers ON DELETE SET NULL;
CREATE INDEX callbacks_open ON callbacks (queue, number) WHERE state = 'waiting';
COMMENT ON COLUMN callbacks.customer_id IS 'Whose it is, where the number is known.';

CREATE TABLE dialled (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text NOT NULL CHECK (number ~ '^\+[1-9][0-9]{1,14}$'),
    purpose      text NOT NULL CHECK (purpose IN ('transfer', 'callback', 'click')),
    interaction  uuid,
    at           timestamptz NOT NULL
);
CREATE INDEX dialled_at ON dialled (at);
CREATE INDEX dialled_number ON dialled (number, at);
COMMENT ON TABLE dialled IS
    'Each number the dialling gate let through, before it was dialled: what its caps count.';

CREATE TABLE event_deliveries (
    journal       bigint PRIMARY KEY,
    attempts      integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at       timestamptz NOT NULL DEFAULT now(),
    delivered_at  timestamptz,
    given_up_at   timestamptz,
    fault         text NOT NULL DEFAULT '' CHECK (length(fault) <= 200)
);
CREATE INDEX event_deliveries_open ON event_deliveries (next_at)
    WHERE delivered_at IS NULL AND given_up_at IS NULL;
CREATE INDEX journal_ivr_events ON journal (id) WHERE kind = 'ivr.event';
COMMENT ON TABLE event_deliveries IS
    'What became of each event a flow raised: told to the address of event_url, or given up.';
