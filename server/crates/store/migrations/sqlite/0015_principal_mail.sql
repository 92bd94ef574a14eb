-- Where a person gets mail, and the mail of the outbox that goes to one.
ALTER TABLE principal ADD COLUMN email TEXT;
ALTER TABLE outbox ADD COLUMN recipient TEXT;
