-- Somebody who has left: what they did still bears their name, so the row stays.
ALTER TABLE principal ADD COLUMN deleted_at INTEGER;
