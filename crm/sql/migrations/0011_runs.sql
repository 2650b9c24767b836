-- Runs of the router stand in the journal as `<service>.<n>`; what else stands there is named here.

CREATE FUNCTION is_run(epoch text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN split_part(epoch, '.', 1) NOT IN ('ivr', 'place', 'ewt', 'check', 'callback');
COMMENT ON FUNCTION is_run IS
    'Whether an epoch of the journal is a run of the router: callers'' ways through flows, places in line, estimates, checkpoints and what callbacks tell have epochs of their own.';
