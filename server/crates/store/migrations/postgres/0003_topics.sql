-- Topics as they are to be and as they were seen, the topics that clusters show, and the rules.
CREATE TABLE topic (
    id                uuid PRIMARY KEY,
    workspace_id      uuid NOT NULL REFERENCES workspace (id),
    environment_id    uuid NOT NULL REFERENCES environment (id),
    name              text COLLATE "C" NOT NULL,
    cluster_id        uuid NOT NULL REFERENCES cluster (id),
    physical_name     text COLLATE "C" NOT NULL,
    collision_key     text COLLATE "C" NOT NULL,
    kafka_topic_id    uuid,
    status            text NOT NULL,
    desired           jsonb NOT NULL,
    observed          jsonb,
    observed_at       bigint,
    created_by        uuid NOT NULL REFERENCES principal (id),
    acknowledged_at   bigint,
    approval_required boolean NOT NULL,
    approved_by       text,
    approved_at       bigint,
    revision          bigint NOT NULL,
    created_at        bigint NOT NULL,
    updated_at        bigint NOT NULL,
    UNIQUE (workspace_id, environment_id, name)
);
-- What was refused or given up holds no name on the cluster.
CREATE UNIQUE INDEX topic_on_cluster ON topic (cluster_id, collision_key)
    WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
CREATE INDEX topic_of_cluster ON topic (cluster_id, id);
CREATE INDEX topic_of_environment ON topic (environment_id);
CREATE TABLE cluster_topic (
    cluster_id uuid NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL,
    PRIMARY KEY (cluster_id, name)
);
CREATE TABLE topic_policy (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES tenant (id),
    name         text COLLATE "C" NOT NULL UNIQUE,
    workspace_id uuid REFERENCES workspace (id),
    rules        jsonb NOT NULL,
    version      bigint NOT NULL,
    created_at   bigint NOT NULL,
    updated_at   bigint NOT NULL
);
CREATE INDEX topic_policy_of_workspace ON topic_policy (workspace_id);
