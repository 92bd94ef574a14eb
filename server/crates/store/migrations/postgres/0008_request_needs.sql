-- Whose consent is due by now: as the verdict said at filing, and what the rules of later days added. Absent: as the verdict said.
ALTER TABLE request ADD COLUMN needs jsonb;
