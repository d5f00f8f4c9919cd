select
    outcomes.job_id,
    outcomes.attempt,
    outcomes.state = 'dead' as is_dead,
    concat_ws(': ', outcomes.error ->> 'type', outcomes.error ->> 'message') as error
from pgqueue.attempts as outcomes
where outcomes.job_id = any (%(jobs)s::bigint[])
    and outcomes.state <> 'succeeded'
order by outcomes.finished_at, outcomes.job_id, outcomes.attempt
