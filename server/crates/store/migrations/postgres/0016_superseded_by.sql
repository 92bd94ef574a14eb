-- The request that took the place of one.
ALTER TABLE request ADD COLUMN superseded_by uuid;
