-- Where people are told of what happens: of everything, or of one workspace.
CREATE TABLE notification_channel (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL REFERENCES tenant (id),
    name          text COLLATE "C" NOT NULL UNIQUE,
    workspace_id  uuid REFERENCES workspace (id) ON DELETE CASCADE,
    target        jsonb NOT NULL,
    events        jsonb NOT NULL,
    secret        bytea,
    secret_key_id text,
    revision      bigint NOT NULL,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL
);
-- A message of the outbox is an event that is to be told of, or one delivery of it to one channel.
ALTER TABLE outbox ADD COLUMN channel_id uuid REFERENCES notification_channel (id) ON DELETE CASCADE;
ALTER TABLE outbox ADD COLUMN event text;
ALTER TABLE outbox ADD COLUMN last_error text;
ALTER TABLE outbox ADD COLUMN ended_at bigint;
ALTER TABLE outbox ADD COLUMN state text;
CREATE INDEX outbox_of_channel ON outbox (channel_id, id);
-- Whether its approvers were warned that it expires.
ALTER TABLE request ADD COLUMN warned_at bigint;
-- What has ended stays for a month, and nobody looks for it when messages are due.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE ended_at IS NULL;
