-- What waits, is scheduled or put off, job by job: a row of ready may stand for several.
create or replace view pgqueue.waiting as
select
    ready.id + number as id, ready.slot, ready.visible_at, ready.priority, ready.attempt, ready.last_attempt, ready.queue
from pgqueue.ready
cross join generate_series(0, ready.size - 1) as number;
