-- Functions and views are made anew after every upgrade, in its transaction.
-- What somebody else built on our views is not ours to drop: it stops here.
do $$
declare
    v_object record;
begin
    for v_object in
        select format('drop view %s', string_agg(class.oid::regclass::text, ', ')) as statement
        from pg_catalog.pg_class as class
        where class.relnamespace = 'pgqueue'::regnamespace
            and class.relkind = 'v'
        having count(*) > 0
        union all
        select format('drop routine %s', routine.oid::regprocedure)
        from pg_catalog.pg_proc as routine
        where routine.pronamespace = 'pgqueue'::regnamespace
    loop
        execute v_object.statement;
    end loop;
end
$$;
