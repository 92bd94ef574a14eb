-- Who there is, and who may do what.
CREATE TABLE tenant (
    id         BLOB PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE workspace (
    id           BLOB PRIMARY KEY,
    tenant_id    BLOB NOT NULL REFERENCES tenant (id),
    slug         TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE TABLE principal (
    id         BLOB PRIMARY KEY,
    tenant_id  BLOB NOT NULL REFERENCES tenant (id),
    kind       TEXT NOT NULL CHECK (kind IN ('person', 'service', 'system')),
    name       TEXT NOT NULL UNIQUE,
    revision   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE membership (
    id           BLOB PRIMARY KEY,
    principal_id BLOB NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    workspace_id BLOB REFERENCES workspace (id) ON DELETE CASCADE,
    role         TEXT NOT NULL CHECK (role IN ('platform-admin', 'admin', 'member', 'viewer')),
    created_at   INTEGER NOT NULL,
    CHECK ((role = 'platform-admin') = (workspace_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX membership_of_workspace ON membership (principal_id, workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX membership_of_principal ON membership (principal_id, id);
CREATE INDEX membership_in_workspace ON membership (workspace_id);
CREATE UNIQUE INDEX membership_of_platform ON membership (principal_id) WHERE workspace_id IS NULL;
CREATE TABLE token (
    id           BLOB PRIMARY KEY,
    principal_id BLOB NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX token_of_principal ON token (principal_id);
INSERT INTO tenant (id, slug, created_at) VALUES (x'00000000000070008000000000000001', 'default', 0);
INSERT INTO principal (id, tenant_id, kind, name, revision, created_at)
    VALUES (x'00000000000070008000000000000002', x'00000000000070008000000000000001', 'system', 'orbit', 1, 0);
