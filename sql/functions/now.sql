-- The one clock: every moment the queue stores or compares comes from here.
create or replace function pgqueue.now()
returns timestamptz
language sql
volatile
parallel safe
as $$
    select pg_catalog.clock_timestamp()
$$;
