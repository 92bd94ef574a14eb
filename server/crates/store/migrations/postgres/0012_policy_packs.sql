-- Which pack a policy comes from, in which version of it, and the version of the policy that the pack wrote: a later one was changed by hand.
ALTER TABLE topic_policy ADD COLUMN pack text;
ALTER TABLE topic_policy ADD COLUMN pack_version bigint;
ALTER TABLE topic_policy ADD COLUMN pack_wrote bigint;
