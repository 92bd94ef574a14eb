-- Who did what. Append-only; written in the transaction of the deed.
CREATE TABLE audit_event (
    id             BLOB PRIMARY KEY,
    at             INTEGER NOT NULL,
    principal_id   BLOB NOT NULL,
    actor          TEXT NOT NULL,
    token_id       BLOB,
    source_address TEXT,
    action         TEXT NOT NULL,
    noun           TEXT NOT NULL,
    object_id      BLOB,
    object_key     TEXT NOT NULL,
    workspace_id   BLOB,
    request_id     BLOB,
    operation_id   BLOB,
    detail         TEXT,
    before         TEXT,
    after          TEXT,
    verdict        TEXT
) STRICT;
CREATE INDEX audit_event_of_object ON audit_event (object_id, id);
CREATE INDEX audit_event_of_workspace ON audit_event (workspace_id, id);
