-- Kafka takes '.' and '_' for the same in topic names: what a cluster shows is looked up so.
CREATE INDEX cluster_topic_collision ON cluster_topic (cluster_id, replace(name, '.', '_'));
-- Names that Orbit freed on a cluster: a listing that began before does not bring them back.
CREATE TABLE cluster_topic_freed (
    cluster_id BLOB NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    freed_at   INTEGER NOT NULL,
    PRIMARY KEY (cluster_id, name)
) STRICT;
