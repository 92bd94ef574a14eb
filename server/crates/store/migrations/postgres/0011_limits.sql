-- How much a workspace or a cluster may hold: by resource, what is absent is not limited.
CREATE TABLE resource_limit (
    holder_id  uuid PRIMARY KEY,
    amounts    jsonb NOT NULL,
    revision   bigint NOT NULL,
    updated_at bigint NOT NULL
);
-- What each object takes of that, open requests included. Below 0: without limit.
CREATE TABLE resource_claim (
    object_id    uuid NOT NULL,
    resource     text NOT NULL,
    workspace_id uuid NOT NULL,
    cluster_id   uuid NOT NULL,
    amount       bigint NOT NULL,
    PRIMARY KEY (object_id, resource)
);
CREATE INDEX resource_claim_of_workspace ON resource_claim (workspace_id, resource, amount);
CREATE INDEX resource_claim_of_cluster ON resource_claim (cluster_id, resource, amount);
-- Of what is there already.
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT id, 'topics', workspace_id, cluster_id, 1 FROM topic
    WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT id, 'partitions', workspace_id, cluster_id,
           COALESCE((desired ->> 'partitions')::bigint, (desired #>> '{profile,partitions}')::bigint,
                    (observed #>> '{topic,partitions}')::bigint, 1)
    FROM topic WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT object_id, 'retained-bytes', workspace_id, cluster_id,
           CASE WHEN bytes IS NULL OR bytes < 0 THEN -1 ELSE least(bytes, 9223372036854775807 / amount) * amount END
    FROM (SELECT c.object_id, c.workspace_id, c.cluster_id, c.amount,
                 COALESCE(t.desired #>> '{config,retention.bytes}', t.desired #>> '{profile,config,retention.bytes}')::bigint AS bytes
          FROM resource_claim c JOIN topic t ON t.id = c.object_id WHERE c.resource = 'partitions') AS kept;
