-- How much a workspace or a cluster may hold: by resource, what is absent is not limited.
CREATE TABLE resource_limit (
    holder_id  BLOB PRIMARY KEY,
    amounts    TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
-- What each object takes of that, open requests included. Below 0: without limit.
CREATE TABLE resource_claim (
    object_id    BLOB NOT NULL,
    resource     TEXT NOT NULL,
    workspace_id BLOB NOT NULL,
    cluster_id   BLOB NOT NULL,
    amount       INTEGER NOT NULL,
    PRIMARY KEY (object_id, resource)
) STRICT;
CREATE INDEX resource_claim_of_workspace ON resource_claim (workspace_id, resource, amount);
CREATE INDEX resource_claim_of_cluster ON resource_claim (cluster_id, resource, amount);
-- Of what is there already.
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT id, 'topics', workspace_id, cluster_id, 1 FROM topic
    WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT id, 'partitions', workspace_id, cluster_id,
           COALESCE(json_extract(desired, '$.partitions'), json_extract(desired, '$.profile.partitions'),
                    json_extract(observed, '$.topic.partitions'), 1)
    FROM topic WHERE status NOT IN ('rejected', 'withdrawn', 'expired', 'failed');
INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount)
    SELECT object_id, 'retained-bytes', workspace_id, cluster_id,
           CASE WHEN bytes IS NULL OR bytes < 0 THEN -1 ELSE min(bytes, 9223372036854775807 / amount) * amount END
    FROM (SELECT c.object_id, c.workspace_id, c.cluster_id, c.amount,
                 CAST(COALESCE(json_extract(t.desired, '$.config."retention.bytes"'),
                               json_extract(t.desired, '$.profile.config."retention.bytes"')) AS INTEGER) AS bytes
          FROM resource_claim c JOIN topic t ON t.id = c.object_id WHERE c.resource = 'partitions');
