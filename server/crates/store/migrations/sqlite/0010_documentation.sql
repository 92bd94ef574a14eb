-- What a request says for itself beside its justification: producers, consumers, why records are kept. Absent: nothing.
ALTER TABLE request ADD COLUMN documentation TEXT;
