-- Topics as they are to be and as they were seen, the topics that clusters show, and the rules.
CREATE TABLE topic (
    id                BLOB PRIMARY KEY,
    workspace_id      BLOB NOT NULL REFERENCES workspace (id),
    environment_id    BLOB NOT NULL REFERENCES environment (id),
    name              TEXT NOT NULL,
    cluster_id        BLOB NOT NULL REFERENCES cluster (id),
    physical_name     TEXT NOT NULL,
    collision_key     TEXT NOT NULL,
    kafka_topic_id    BLOB,
    status            TEXT NOT NULL,
    desired           TEXT NOT NULL,
    observed          TEXT,
    observed_at       INTEGER,
    created_by        BLOB NOT NULL REFERENCES principal (id),
    acknowledged_at   INTEGER,
    approval_required INTEGER NOT NULL,
    approved_by       TEXT,
    approved_at       INTEGER,
    revision          INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (workspace_id, environment_id, name)
) STRICT;
-- What was refused or given up holds no name on the cluster.
CREATE UNIQUE INDEX topic_on_cluster ON topic (cluster_id, collision_key)
    WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
CREATE INDEX topic_of_cluster ON topic (cluster_id, id);
CREATE INDEX topic_of_environment ON topic (environment_id);
CREATE TABLE cluster_topic (
    cluster_id BLOB NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    PRIMARY KEY (cluster_id, name)
) STRICT;
CREATE TABLE topic_policy (
    id           BLOB PRIMARY KEY,
    tenant_id    BLOB NOT NULL REFERENCES tenant (id),
    name         TEXT NOT NULL UNIQUE,
    workspace_id BLOB REFERENCES workspace (id),
    rules        TEXT NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX topic_policy_of_workspace ON topic_policy (workspace_id);
