-- Where the Terraform or CI run of a request can be seen. Of the request, not of the run: whoever guesses a run's id could lead its requests' readers astray.
ALTER TABLE request ADD COLUMN run_url text;
