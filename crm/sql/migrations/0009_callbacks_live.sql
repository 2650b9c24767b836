-- Callbacks that are made: attempts are segments.

ALTER TABLE segments DROP CONSTRAINT segments_kind_check;
ALTER TABLE segments ADD CONSTRAINT segments_kind_check CHECK (kind IN
    ('ivr', 'queue', 'ringing', 'talk', 'hold', 'consult', 'transfer', 'wrap_up', 'callback_wait',
    'callback'));
