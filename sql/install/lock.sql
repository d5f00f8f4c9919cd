-- One migrator at a time; the next one finds nothing left to do. The schema may
-- have been made by a DBA, for somebody who may not make one; but a schema in
-- which others keep their things is refused, for we drop and remake functions.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgqueue', 0));

do $$
begin
    if to_regnamespace('pgqueue') is null then
        create schema pgqueue;
    elsif to_regclass('pgqueue.installation') is null and (
        exists (
            select
            from pg_catalog.pg_class
            where relnamespace = 'pgqueue'::regnamespace
                and relname not in ('alembic_version', 'alembic_version_pkc')
        )
        or exists (
            select
            from pg_catalog.pg_proc
            where pronamespace = 'pgqueue'::regnamespace
        )
    ) then
        raise exception 'schema % holds what is not ours', 'pgqueue'
            using errcode = 'PQ004', hint = 'Give us a schema of our own: pgqueue migrate --schema NAME.';
    end if;
end
$$;
