-- Environments, clusters, and the rules that lead from one to the other.
CREATE TABLE environment (
    id                BLOB PRIMARY KEY,
    tenant_id         BLOB NOT NULL REFERENCES tenant (id),
    slug              TEXT NOT NULL UNIQUE,
    display_name      TEXT NOT NULL,
    naming_template   TEXT NOT NULL,
    default_approvers TEXT NOT NULL,
    revision          INTEGER NOT NULL,
    created_at        INTEGER NOT NULL
) STRICT;
CREATE TABLE cluster (
    id                 BLOB PRIMARY KEY,
    tenant_id          BLOB NOT NULL REFERENCES tenant (id),
    slug               TEXT NOT NULL UNIQUE,
    display_name       TEXT NOT NULL,
    provider           TEXT NOT NULL,
    region             TEXT,
    residency          TEXT,
    connection         TEXT NOT NULL,
    credentials        BLOB,
    credentials_key_id TEXT,
    validation_status  TEXT NOT NULL CHECK (validation_status IN ('pending', 'valid', 'invalid')),
    reachable          INTEGER NOT NULL,
    last_error         TEXT,
    last_validated_at  INTEGER,
    description        TEXT,
    topics_seen_at     INTEGER,
    revision           INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    CHECK ((credentials IS NULL) = (credentials_key_id IS NULL))
) STRICT;
CREATE TABLE environment_mapping (
    id             BLOB PRIMARY KEY,
    environment_id BLOB NOT NULL REFERENCES environment (id),
    cluster_id     BLOB NOT NULL REFERENCES cluster (id),
    priority       INTEGER NOT NULL,
    is_default     INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    UNIQUE (environment_id, cluster_id)
) STRICT;
