-- What was asked for, who decided, and the work that follows. Written over any noun: an object is a kind and an id.
CREATE TABLE run_group (
    id         uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES tenant (id),
    run_id     text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (tenant_id, run_id)
);
CREATE TABLE operation (
    id          uuid PRIMARY KEY,
    request_id  uuid NOT NULL,
    kind        text NOT NULL,
    shape       bigint NOT NULL,
    lane        uuid NOT NULL,
    engine      text NOT NULL,
    priority    bigint NOT NULL,
    state       text NOT NULL,
    due_at      bigint NOT NULL,
    holder      uuid,
    lease_until bigint,
    version     bigint NOT NULL,
    poke_seq    bigint NOT NULL,
    cancel      boolean NOT NULL,
    pause       boolean NOT NULL,
    saga        jsonb NOT NULL,
    created_at  bigint NOT NULL,
    finished_at bigint
);
CREATE INDEX operation_due ON operation (due_at) WHERE finished_at IS NULL;
-- As the query of the counts says it: a partial index serves only that.
CREATE INDEX operation_counted ON operation (state) WHERE finished_at IS NULL OR state = 'stuck';
CREATE INDEX operation_of_lane ON operation (lane, finished_at);
CREATE TABLE request (
    id            uuid PRIMARY KEY,
    workspace_id  uuid NOT NULL,
    requester_id  uuid NOT NULL REFERENCES principal (id),
    run_group_id  uuid REFERENCES run_group (id),
    state         text NOT NULL,
    verdict       jsonb NOT NULL,
    justification text,
    operation_id  uuid REFERENCES operation (id),
    decided_by    text,
    decided_at    bigint,
    reason        text,
    expires_at    bigint NOT NULL,
    revision      bigint NOT NULL,
    created_at    bigint NOT NULL
);
CREATE INDEX request_of_workspace ON request (workspace_id, id);
CREATE INDEX request_pending ON request (expires_at) WHERE state = 'pending';
CREATE TABLE request_item (
    request_id    uuid NOT NULL REFERENCES request (id),
    ordinal       bigint NOT NULL,
    noun          text NOT NULL,
    action        text NOT NULL,
    object_id     uuid NOT NULL,
    change        jsonb NOT NULL,
    verdict       jsonb NOT NULL,
    differences   jsonb NOT NULL,
    base_revision bigint NOT NULL,
    PRIMARY KEY (request_id, ordinal)
);
CREATE INDEX request_item_of_object ON request_item (object_id, request_id);
CREATE TABLE approval (
    request_id   uuid NOT NULL REFERENCES request (id),
    principal_id uuid NOT NULL REFERENCES principal (id),
    layer        text NOT NULL,
    comment      text,
    given_at     bigint NOT NULL,
    PRIMARY KEY (request_id, principal_id)
);
-- One open request per object. Taken in submit, freed when the request ends without an operation or the operation is over.
CREATE TABLE object_lock (
    object_id  uuid PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES request (id)
);
CREATE INDEX object_lock_of_request ON object_lock (request_id);
CREATE TABLE idempotency (
    principal_id uuid NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    key          text COLLATE "C" NOT NULL,
    body_hash    bytea NOT NULL,
    answer       jsonb,
    created_at   bigint NOT NULL,
    PRIMARY KEY (principal_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
-- Work that a transaction makes necessary and that happens after it: notifications and their like.
CREATE TABLE outbox (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    payload    jsonb NOT NULL,
    due_at     bigint NOT NULL,
    attempts   bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_at);
