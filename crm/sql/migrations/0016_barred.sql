-- Whom the dialling gate bars was not dialled: their callback failed, and was not attempted.

CREATE OR REPLACE FUNCTION is_dialled(outcome text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(outcome, '') NOT IN ('withdrawn', 'capped', 'undialled', 'barred');
