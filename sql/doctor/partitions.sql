-- Of every partitioned table: what is missing now and next, what lies in the
-- default partition for want of a window, and windows long past.
select
    relation.parent,
    extract(epoch from relation.span)::float8 as span_seconds,
    exists (select from pgqueue.missing_windows(0) as missing where missing.parent = relation.parent) as lacks_this,
    exists (select from pgqueue.missing_windows(1) as missing where missing.parent = relation.parent) as lacks_next,
    coalesce(pg_relation_size(to_regclass('pgqueue.' || relation.parent || '_default')), 0) as default_bytes,
    to_regclass('pgqueue.' || relation.parent || '_default') is null as lacks_default,
    overdue.windows as overdue,
    extract(epoch from pgqueue.now() - overdue.since)::float8 as overdue_seconds
from pgqueue.partitioned() as relation
cross join lateral (
    select count(*) as windows, min(passed.high + relation.kept) as since
    from pgqueue.passed() as passed
    where passed.parent = relation.parent
        and passed.high + relation.kept < pgqueue.now() - interval '15 minutes'
) as overdue
order by relation.parent
