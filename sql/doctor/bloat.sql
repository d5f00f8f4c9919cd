-- What is not dropped with its window: there only vacuum clears the dead away.
select
    format('%I.%I', stats.schemaname, stats.relname) as relation,
    stats.n_live_tup as live,
    stats.n_dead_tup as dead,
    pg_total_relation_size(stats.relid) as size_bytes,
    coalesce(stats.last_autovacuum, stats.last_vacuum) as vacuumed_at,
    coalesce(class.reloptions @> '{autovacuum_enabled=false}', false) as is_switched_off
from pg_catalog.pg_stat_all_tables as stats
join pg_catalog.pg_class as class on class.oid = stats.relid
where stats.schemaname = 'pgqueue'
    and (not class.relispartition or stats.relname ~ '_(default|late)$')
    and class.relkind = 'r'
order by stats.n_dead_tup desc
