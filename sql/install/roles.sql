-- Three roles, granted to whoever connects. A producer can enqueue and nothing
-- else; a worker can also claim, finish and look at jobs; an admin can do
-- everything but change the tables by hand. Nobody else can do anything.
-- Without the right to create roles they are left to the DBA: create them and
-- run `pgqueue migrate` again.
do $$
declare
    v_role text;
    v_producer text[] := array['enqueue', 'enqueue_many', 'installation_id', 'channel'];
    v_admin_alone text[] := array['redrive', 'purge', 'pause', 'resume', 'pause_worker', 'resume_worker', 'run_now', 'reprioritise', 'change_settings'];
    v_routine record;
    v_relation record;
begin
    foreach v_role in array array['pgqueue_producer', 'pgqueue_worker', 'pgqueue_admin'] loop
        begin
            if to_regrole(v_role) is null then
                execute format('create role %I nologin', v_role);
            end if;
        exception
            when insufficient_privilege then
                raise notice 'role % is missing and may not be created here: create it, then run pgqueue migrate', v_role;
                continue;
            when duplicate_object or unique_violation then
                null; -- another database of this cluster made it just now
        end;
        execute format('grant usage on schema pgqueue to %I', v_role);
    end loop;

    revoke all on all functions in schema pgqueue from public;
    for v_routine in
        select routine.oid::regprocedure as signature, routine.proname, routine.prosecdef
        from pg_catalog.pg_proc as routine
        where routine.pronamespace = 'pgqueue'::regnamespace
    loop
        if to_regrole('pgqueue_admin') is not null then
            execute format('grant execute on function %s to pgqueue_admin', v_routine.signature);
        end if;
        if to_regrole('pgqueue_producer') is not null and v_routine.proname = any (v_producer) then
            execute format('grant execute on function %s to pgqueue_producer', v_routine.signature);
        end if;
        if to_regrole('pgqueue_worker') is not null
            and (v_routine.prosecdef or v_routine.proname in ('channel', 'worker_key'))
            and v_routine.proname <> all (v_admin_alone)
        then
            execute format('grant execute on function %s to pgqueue_worker', v_routine.signature);
        end if;
    end loop;
    -- Partitions are read through their parents, as those made later will be.
    for v_relation in
        select class.oid::regclass as name
        from pg_catalog.pg_class as class
        where class.relnamespace = 'pgqueue'::regnamespace
            and class.relkind in ('r', 'p', 'v')
            and not class.relispartition
    loop
        if to_regrole('pgqueue_admin') is not null then
            execute format('grant select on %s to pgqueue_admin', v_relation.name);
        end if;
    end loop;
end
$$;
