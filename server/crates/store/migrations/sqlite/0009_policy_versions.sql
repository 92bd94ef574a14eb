-- What a policy said in each of its versions, and who wrote it: not known of what was written before versions were kept.
CREATE TABLE topic_policy_version (
    policy_id  BLOB NOT NULL REFERENCES topic_policy (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    rules      TEXT NOT NULL,
    written_by TEXT,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (policy_id, version)
) STRICT;
INSERT INTO topic_policy_version (policy_id, version, rules, written_at) SELECT id, version, rules, updated_at FROM topic_policy;
