-- Who did what. Append-only; written in the transaction of the deed.
CREATE TABLE audit_event (
    id             uuid PRIMARY KEY,
    at             bigint NOT NULL,
    principal_id   uuid NOT NULL,
    actor          text NOT NULL,
    token_id       uuid,
    source_address text,
    action         text NOT NULL,
    noun           text NOT NULL,
    object_id      uuid,
    object_key     text NOT NULL,
    workspace_id   uuid,
    request_id     uuid,
    operation_id   uuid,
    detail         text,
    before         jsonb,
    after          jsonb,
    verdict        jsonb
);
CREATE INDEX audit_event_of_object ON audit_event (object_id, id);
CREATE INDEX audit_event_of_workspace ON audit_event (workspace_id, id);
