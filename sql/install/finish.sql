-- After functions and views: partitions to begin with, and what was installed.
-- Where a long reader keeps partitions from being made, a worker makes them later.
do $$
begin
    perform pgqueue.make_partitions();
exception
    when lock_not_available then
        raise notice 'partitions are in use: the next worker makes them';
end
$$;

update pgqueue.installation
set functions_digest = 'DIGEST';
