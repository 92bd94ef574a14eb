-- Runs that asked for what a request of another run asked for already: whoever waits for a run waits for these requests too.
CREATE TABLE attached_run (
    run_group_id BLOB NOT NULL REFERENCES run_group (id),
    request_id   BLOB NOT NULL REFERENCES request (id),
    PRIMARY KEY (request_id, run_group_id)
) STRICT;
