-- Raise one of our codes, so that every driver can tell errors apart without
-- reading messages: PQ001 lease lost, PQ002 a value out of bounds, PQ003 a
-- payload or result too large, PQ004 another installation, PQ005 no such job.
create or replace function pgqueue.refuse(code text, message text, hint text default null)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using
        errcode = code,
        message = refuse.message,
        hint = coalesce(refuse.hint, '');
end
$$;

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
