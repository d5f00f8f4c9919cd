-- How full the server is: connections, and its queue of notifications.
select
    count(*) filter (where activity.backend_type = 'client backend') as connections,
    current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer as most_connections,
    pg_notification_queue_usage() as notifications_used
from pg_catalog.pg_stat_activity as activity
