-- What waits, is scheduled or put off, job by job: a row of ready may stand for several.
create or replace view pgqueue.waiting as
select
    ready.id + number as id, ready.slot, ready.visible_at, ready.priority, ready.attempt, ready.last_attempt, ready.queue
from pgqueue.ready
cross join unnest(pgqueue.places(ready.size)) as number;
