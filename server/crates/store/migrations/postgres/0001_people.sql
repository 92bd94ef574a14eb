-- Who there is, and who may do what. Text keys compare by bytes (COLLATE "C"), as on SQLite, so that pages are the same on both.
CREATE TABLE tenant (
    id         uuid PRIMARY KEY,
    slug       text COLLATE "C" NOT NULL UNIQUE,
    created_at bigint NOT NULL
);
CREATE TABLE workspace (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES tenant (id),
    slug         text COLLATE "C" NOT NULL UNIQUE,
    display_name text NOT NULL,
    revision     bigint NOT NULL,
    created_at   bigint NOT NULL
);
CREATE TABLE principal (
    id         uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES tenant (id),
    kind       text NOT NULL CHECK (kind IN ('person', 'service', 'system')),
    name       text COLLATE "C" NOT NULL UNIQUE,
    revision   bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE membership (
    id           uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    workspace_id uuid REFERENCES workspace (id) ON DELETE CASCADE,
    role         text NOT NULL CHECK (role IN ('platform-admin', 'admin', 'member', 'viewer')),
    created_at   bigint NOT NULL,
    CHECK ((role = 'platform-admin') = (workspace_id IS NULL))
);
CREATE UNIQUE INDEX membership_of_workspace ON membership (principal_id, workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX membership_of_principal ON membership (principal_id, id);
CREATE INDEX membership_in_workspace ON membership (workspace_id);
CREATE UNIQUE INDEX membership_of_platform ON membership (principal_id) WHERE workspace_id IS NULL;
CREATE TABLE token (
    id           uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    name         text NOT NULL,
    hash         bytea NOT NULL UNIQUE,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    revoked_at   bigint,
    last_used_at bigint
);
CREATE INDEX token_of_principal ON token (principal_id);
INSERT INTO tenant (id, slug, created_at) VALUES ('00000000-0000-7000-8000-000000000001', 'default', 0);
INSERT INTO principal (id, tenant_id, kind, name, revision, created_at)
    VALUES ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'system', 'orbit', 1, 0);
