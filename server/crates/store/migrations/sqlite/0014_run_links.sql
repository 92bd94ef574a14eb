-- Where a Terraform or CI run can be seen.
ALTER TABLE run_group ADD COLUMN url TEXT;
