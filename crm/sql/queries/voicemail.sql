-- Of crm.voicemail.

-- name: mailboxes_list
SELECT name, title,
    (SELECT count(*) FROM voicemails WHERE mailbox = name AND deleted_at IS NULL) AS messages
FROM mailboxes ORDER BY name;

-- name: mailboxes_put
INSERT INTO mailboxes (name, title) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET title = EXCLUDED.title;

-- name: mailboxes_remove
DELETE FROM mailboxes WHERE name = $1 RETURNING name;

-- name: voicemail_keep
INSERT INTO voicemails (mailbox, interaction, recording, sha256, length_ms, left_at)
VALUES ($1, $2::text::uuid, $3, $4, $5, from_ms($6))
ON CONFLICT (recording) DO UPDATE SET recording = EXCLUDED.recording
RETURNING id::text;

-- name: voicemail_list
SELECT v.id::text, v.mailbox, v.interaction::text, v.recording, v.sha256, v.length_ms,
    to_ms(v.left_at) AS left_ms, i.identity_value AS caller
FROM voicemails v LEFT JOIN interactions i ON i.id = v.interaction
WHERE v.deleted_at IS NULL AND ($1::text IS NULL OR v.mailbox = $1)
ORDER BY v.left_at DESC, v.id;

-- name: voicemail_find
SELECT v.id::text, v.mailbox, v.interaction::text, v.recording, v.sha256, v.length_ms,
    to_ms(v.left_at) AS left_ms, i.identity_value AS caller
FROM voicemails v LEFT JOIN interactions i ON i.id = v.interaction
WHERE v.deleted_at IS NULL AND starts_with(v.id::text, $1)
ORDER BY v.left_at DESC LIMIT 2;

-- name: voicemail_delete
UPDATE voicemails SET deleted_at = now() WHERE id = $1::text::uuid AND deleted_at IS NULL;
