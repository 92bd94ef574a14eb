-- Whom an environment names as approvers may see its requests: the list finds them by this.
ALTER TABLE request_item ADD COLUMN environment_id uuid;
