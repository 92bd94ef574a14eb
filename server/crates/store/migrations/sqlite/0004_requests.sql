-- What was asked for, who decided, and the work that follows. Written over any noun: an object is a kind and an id.
CREATE TABLE run_group (
    id         BLOB PRIMARY KEY,
    tenant_id  BLOB NOT NULL REFERENCES tenant (id),
    run_id     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, run_id)
) STRICT;
CREATE TABLE operation (
    id          BLOB PRIMARY KEY,
    request_id  BLOB NOT NULL,
    kind        TEXT NOT NULL,
    shape       INTEGER NOT NULL,
    lane        BLOB NOT NULL,
    engine      TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    holder      BLOB,
    lease_until INTEGER,
    version     INTEGER NOT NULL,
    poke_seq    INTEGER NOT NULL,
    cancel      INTEGER NOT NULL,
    pause       INTEGER NOT NULL,
    saga        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX operation_due ON operation (due_at) WHERE finished_at IS NULL;
-- As the query of the counts says it: a partial index serves only that.
CREATE INDEX operation_counted ON operation (state) WHERE finished_at IS NULL OR state = 'stuck';
CREATE INDEX operation_of_lane ON operation (lane, finished_at);
CREATE TABLE request (
    id            BLOB PRIMARY KEY,
    workspace_id  BLOB NOT NULL,
    requester_id  BLOB NOT NULL REFERENCES principal (id),
    run_group_id  BLOB REFERENCES run_group (id),
    state         TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    justification TEXT,
    operation_id  BLOB REFERENCES operation (id),
    decided_by    TEXT,
    decided_at    INTEGER,
    reason        TEXT,
    expires_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX request_of_workspace ON request (workspace_id, id);
CREATE INDEX request_pending ON request (expires_at) WHERE state = 'pending';
CREATE TABLE request_item (
    request_id    BLOB NOT NULL REFERENCES request (id),
    ordinal       INTEGER NOT NULL,
    noun          TEXT NOT NULL,
    action        TEXT NOT NULL,
    object_id     BLOB NOT NULL,
    change        TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    differences   TEXT NOT NULL,
    base_revision INTEGER NOT NULL,
    PRIMARY KEY (request_id, ordinal)
) STRICT;
CREATE INDEX request_item_of_object ON request_item (object_id, request_id);
CREATE TABLE approval (
    request_id   BLOB NOT NULL REFERENCES request (id),
    principal_id BLOB NOT NULL REFERENCES principal (id),
    layer        TEXT NOT NULL,
    comment      TEXT,
    given_at     INTEGER NOT NULL,
    PRIMARY KEY (request_id, principal_id)
) STRICT;
-- One open request per object. Taken in submit, freed when the request ends without an operation or the operation is over.
CREATE TABLE object_lock (
    object_id  BLOB PRIMARY KEY,
    request_id BLOB NOT NULL REFERENCES request (id)
) STRICT;
CREATE INDEX object_lock_of_request ON object_lock (request_id);
CREATE TABLE idempotency (
    principal_id BLOB NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    body_hash    BLOB NOT NULL,
    answer       TEXT,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (principal_id, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);
-- Work that a transaction makes necessary and that happens after it: notifications and their like.
CREATE TABLE outbox (
    id         BLOB PRIMARY KEY,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at);
