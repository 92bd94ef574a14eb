-- Environments, clusters, and the rules that lead from one to the other.
CREATE TABLE environment (
    id                uuid PRIMARY KEY,
    tenant_id         uuid NOT NULL REFERENCES tenant (id),
    slug              text COLLATE "C" NOT NULL UNIQUE,
    display_name      text NOT NULL,
    naming_template   text NOT NULL,
    default_approvers jsonb NOT NULL,
    revision          bigint NOT NULL,
    created_at        bigint NOT NULL
);
CREATE TABLE cluster (
    id                 uuid PRIMARY KEY,
    tenant_id          uuid NOT NULL REFERENCES tenant (id),
    slug               text COLLATE "C" NOT NULL UNIQUE,
    display_name       text NOT NULL,
    provider           text NOT NULL,
    region             text,
    residency          text,
    connection         jsonb NOT NULL,
    credentials        bytea,
    credentials_key_id text,
    validation_status  text NOT NULL CHECK (validation_status IN ('pending', 'valid', 'invalid')),
    reachable          boolean NOT NULL,
    last_error         text,
    last_validated_at  bigint,
    description        jsonb,
    topics_seen_at     bigint,
    revision           bigint NOT NULL,
    created_at         bigint NOT NULL,
    CHECK ((credentials IS NULL) = (credentials_key_id IS NULL))
);
CREATE TABLE environment_mapping (
    id             uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environment (id),
    cluster_id     uuid NOT NULL REFERENCES cluster (id),
    priority       bigint NOT NULL,
    is_default     boolean NOT NULL,
    revision       bigint NOT NULL,
    created_at     bigint NOT NULL,
    UNIQUE (environment_id, cluster_id)
);
