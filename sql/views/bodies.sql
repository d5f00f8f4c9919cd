-- Every job's body: those in their partition, and those kept beyond it.
create or replace view pgqueue.bodies as
select *
from pgqueue.jobs
union all
select kept.*
from pgqueue.jobs_kept as kept
where not exists (
    select
    from pgqueue.jobs
    where jobs.id = kept.id
);
