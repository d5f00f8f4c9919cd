-- Where a row of ready belongs: with the rows written now, or, when it is due
-- later than one window from now, with the late ones, in the one partition
-- that is never dropped.
create or replace function pgqueue.slot(moment timestamptz, visible_at timestamptz, ready_window interval)
returns timestamptz
language sql
stable
parallel safe
as $$
    select case when visible_at > moment + ready_window then 'infinity'::timestamptz else moment end
$$;
