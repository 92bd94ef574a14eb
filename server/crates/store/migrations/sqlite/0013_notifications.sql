-- Where people are told of what happens: of everything, or of one workspace.
CREATE TABLE notification_channel (
    id            BLOB PRIMARY KEY,
    tenant_id     BLOB NOT NULL REFERENCES tenant (id),
    name          TEXT NOT NULL UNIQUE,
    workspace_id  BLOB REFERENCES workspace (id) ON DELETE CASCADE,
    target        TEXT NOT NULL,
    events        TEXT NOT NULL,
    secret        BLOB,
    secret_key_id TEXT,
    revision      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
-- A message of the outbox is an event that is to be told of, or one delivery of it to one channel.
ALTER TABLE outbox ADD COLUMN channel_id BLOB REFERENCES notification_channel (id) ON DELETE CASCADE;
ALTER TABLE outbox ADD COLUMN event TEXT;
ALTER TABLE outbox ADD COLUMN last_error TEXT;
ALTER TABLE outbox ADD COLUMN ended_at INTEGER;
ALTER TABLE outbox ADD COLUMN state TEXT;
CREATE INDEX outbox_of_channel ON outbox (channel_id, id);
-- Whether its approvers were warned that it expires.
ALTER TABLE request ADD COLUMN warned_at INTEGER;
-- What has ended stays for a month, and nobody looks for it when messages are due.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE ended_at IS NULL;
