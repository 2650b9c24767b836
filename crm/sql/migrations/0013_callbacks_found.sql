-- Callbacks are found by their id as text, and counted along their line.

CREATE INDEX callbacks_text ON callbacks ((id::text));
CREATE INDEX callbacks_line ON callbacks (coalesce(queue, ''), requested_at, id)
    WHERE state = 'waiting';
