select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('pgqueue_demo', 0))
