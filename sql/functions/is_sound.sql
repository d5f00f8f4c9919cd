-- True for a job within its bounds; one that is not is refused with PQ002 or
-- PQ003, naming the value, the bound and the next step. The test itself is
-- plain SQL, so that it is inlined into what calls it; `size_bytes` is that of
-- payload and headers as jsonb, in memory. All is volatile, or a
-- planner that knows the values would run the refusal just to estimate.
create or replace function pgqueue.is_sound(
    queue text,
    task text,
    payload jsonb,
    priority integer,
    max_attempts integer,
    timeout interval,
    headers jsonb,
    run_at timestamptz,
    keep_result boolean,
    size_bytes integer,
    limit_bytes integer
)
returns boolean
language sql
volatile
parallel safe
as $$
    select case
        when pg_catalog.length(queue) between 1 and 63
            and pg_catalog.length(task) between 1 and 255
            and priority between 0 and 9
            and max_attempts between 1 and 30000
            and (timeout is null or timeout > interval '0')
            and pg_catalog.jsonb_typeof(payload) = 'object'
            and (headers is null or pg_catalog.jsonb_typeof(headers) = 'object')
            and (run_at is null or pg_catalog.isfinite(run_at))
            and keep_result is not null
            and size_bytes <= limit_bytes
        then true
        else pgqueue.refuse_job(
            queue, task, payload, priority, max_attempts, timeout, headers, run_at, keep_result, size_bytes, limit_bytes
        )
    end
$$;

create or replace function pgqueue.refuse_job(
    queue text,
    task text,
    payload jsonb,
    priority integer,
    max_attempts integer,
    timeout interval,
    headers jsonb,
    run_at timestamptz,
    keep_result boolean,
    size_bytes integer,
    limit_bytes integer
)
returns boolean
language plpgsql
volatile
as $$
begin
    if size_bytes > limit_bytes then
        perform pgqueue.refuse(
            'PQ003',
            format(
                'payload of task %s is %s bytes, the limit is %s (as jsonb, the headers included)',
                task, size_bytes, limit_bytes
            ),
            'Store the data elsewhere and enqueue a reference, or raise the limit: pgqueue settings --payload-limit.'
        );
    end if;
    perform pgqueue.refuse('PQ002', concat_ws('; ',
        case when length(queue) between 1 and 63 then null
            else format('queue %L is not a name of 1 to 63 characters', left(queue, 100)) end,
        case when length(task) between 1 and 255 then null
            else format('task %L is not a name of 1 to 255 characters', left(task, 300)) end,
        case when priority between 0 and 9 then null
            else format('priority %s is not 0 (most urgent) to 9', coalesce(priority::text, 'null')) end,
        case when max_attempts between 1 and 30000 then null
            else format('max_attempts %s is not 1 to 30000', coalesce(max_attempts::text, 'null')) end,
        case when timeout <= interval '0' then format('timeout %s is not above zero', timeout) end,
        case when jsonb_typeof(payload) = 'object' then null
            else format('payload is %s, not an object', coalesce(jsonb_typeof(payload), 'null')) end,
        case when jsonb_typeof(headers) <> 'object'
            then format('headers are %s, not an object', jsonb_typeof(headers)) end,
        case when not isfinite(run_at) then format('run_at %s is not a moment', run_at) end,
        case when keep_result is null then 'keep_result is null, not true or false' end
    ));
    return false;
end
$$;
