-- What a worker relies on in a session of its own, whatever its role, the
-- database or the server prefer. A session from which nothing has come for
-- `silence` is ended, and with it its locks: a network that went silent must not
-- keep watch for ever.
create or replace function pgqueue.settle_session(durable boolean, silence interval)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select set_config(setting.name, setting.value, false)
    from (
        values
            ('default_transaction_isolation', 'read committed'),
            ('default_transaction_read_only', 'off'),
            ('default_transaction_deferrable', 'off'),
            ('lock_timeout', '1s'), -- a handler's open transaction may keep one ending waiting, not all of them
            ('statement_timeout', '5min'),
            ('transaction_timeout', '5min'), -- since PostgreSQL 17
            ('idle_in_transaction_session_timeout', '1min'),
            ('idle_session_timeout', least(extract(epoch from silence) * 1000, 2147483647)::bigint::text),
            ('standard_conforming_strings', 'on'),
            ('array_nulls', 'on'),
            ('timezone', 'UTC'),
            ('datestyle', 'ISO, YMD'),
            ('intervalstyle', 'postgres'),
            ('enable_indexscan', 'on'),
            ('enable_nestloop', 'on'),
            ('synchronous_commit', case when not durable then 'off' end)
    ) as setting (name, value)
    where setting.value is not null
        and current_setting(setting.name, true) is not null
$$;
