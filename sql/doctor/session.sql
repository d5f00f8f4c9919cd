-- Which process answers, where, and what time it is there.
select
    pg_backend_pid() as pid,
    pg_is_in_recovery() as is_standby,
    clock_timestamp() as now
