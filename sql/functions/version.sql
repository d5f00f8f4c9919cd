-- What is installed here: the migration, and the digest of these functions.
create or replace function pgqueue.version()
returns table (revision text, functions_digest text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select installed.version_num::text, installation.functions_digest
    from pgqueue.installation
    cross join pgqueue.alembic_version as installed
$$;

-- Which installation this is: a client can refuse a connection to another.
create or replace function pgqueue.installation_id()
returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select id
    from pgqueue.installation
$$;
