-- Who keeps vacuum from clearing away the dead, oldest first: transactions of
-- sessions, prepared ones, replication slots. One that runs on a standby shows as
-- its walsender. A query's text is shown to whoever may read all statistics.
select *
from (
    select
        case when session.backend_type = 'walsender' then 'standby' else 'session' end as kind,
        session.pid::text as name,
        session.usename::text as role,
        session.application_name as application,
        coalesce(host(session.client_addr), 'local') as client,
        session.state,
        extract(epoch from clock_timestamp() - session.xact_start)::float8 as open_seconds,
        extract(epoch from clock_timestamp() - session.state_change)::float8 as state_seconds,
        greatest(age(session.backend_xmin), age(session.backend_xid)) as transactions,
        regexp_replace(left(session.query, 200), '\s+', ' ', 'g') as query
    from pg_catalog.pg_stat_activity as session
    where session.pid <> pg_backend_pid()
        and (session.backend_xmin is not null or session.backend_xid is not null)
        and (session.datname = current_database() or session.datname is null)
        and session.backend_type in ('client backend', 'walsender', 'background worker')
    union all
    select
        'prepared', prepared.gid, prepared.owner::text, null, null, null,
        extract(epoch from clock_timestamp() - prepared.prepared)::float8, null,
        age(prepared.transaction), null
    from pg_catalog.pg_prepared_xacts as prepared
    where prepared.database = current_database()
    union all
    select
        'slot', slot.slot_name::text, null, slot.plugin::text, null,
        case when slot.active then 'active' else 'inactive' end,
        null, null, age(slot.xmin), null
    from pg_catalog.pg_replication_slots as slot
    where slot.xmin is not null
) as holder
order by holder.transactions desc nulls last, holder.open_seconds desc nulls last
limit 100
