-- Raise one of our codes, so that every driver can tell errors apart without
-- reading messages: PQ001 lease lost, PQ002 a value out of bounds, PQ003 a
-- payload or result too large, PQ004 another installation, PQ005 no such job,
-- PQ006 a setting out of bounds.
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
