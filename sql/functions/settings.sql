-- The one row of settings; refuses a caller who expects another installation.
create or replace function pgqueue.settings(expected uuid default null)
returns pgqueue.installation
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_here pgqueue.installation;
begin
    select *
    into strict v_here
    from pgqueue.installation;
    if v_here.id <> expected then
        perform pgqueue.refuse(
            'PQ004',
            format('this connection leads to installation %s, the client belongs to %s', v_here.id, expected),
            'Pass a connection to the database and schema the client was made for.'
        );
    end if;
    return v_here;
end
$$;

-- What can be set for the whole installation.
create or replace function pgqueue.show_settings()
returns table (retention interval, ready_window interval, history_window interval, payload_limit_bytes integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select settings.retention, settings.ready_window, settings.history_window, settings.payload_limit_bytes
    from pgqueue.installation as settings
$$;

-- Change what is given, leave the rest; it holds from the next call of anybody
-- on. Windows that are there stay; those made from now on have the new length.
-- Raises PQ006 (a setting out of bounds).
create or replace function pgqueue.change_settings(
    retention interval default null,
    ready_window interval default null,
    history_window interval default null,
    payload_limit_bytes integer default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_refused text := concat_ws('; ',
        pgqueue.refused_length('retention', $1, interval '0', interval '36500 days'),
        pgqueue.refused_length('ready_window', $2, interval '1 second', interval '1 day'),
        pgqueue.refused_length('history_window', $3, interval '1 second', interval '31 days'),
        case when $4 not between 1 and 268435455
            then format('payload_limit_bytes %s is not 1 to 268435455 (what jsonb can hold)', $4) end
    );
begin
    if v_refused <> '' then
        perform pgqueue.refuse('PQ006', v_refused);
    end if;
    -- As seconds: a day is 24 hours here, whatever a session's time zone makes of it.
    update pgqueue.installation as settings
    set retention = coalesce(make_interval(secs => extract(epoch from $1)::double precision), settings.retention),
        ready_window = coalesce(make_interval(secs => extract(epoch from $2)::double precision), settings.ready_window),
        history_window = coalesce(make_interval(secs => extract(epoch from $3)::double precision), settings.history_window),
        payload_limit_bytes = coalesce($4, settings.payload_limit_bytes);
end
$$;

-- Why a length of time is refused; null if it is not. Whole seconds, for a
-- window's name tells its beginning to the second.
create or replace function pgqueue.refused_length(name text, length interval, lowest interval, highest interval)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when length not between lowest and highest or not isfinite(length)
            then format('%s %s is not %s to %s', name, length, lowest, highest)
        when extract(epoch from length) % 1 <> 0
            then format('%s %s is not a whole number of seconds', name, length)
    end
$$;
