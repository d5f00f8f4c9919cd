-- Not left to the session's end: the server may see that a little later than we do.
select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('pgqueue_demo', 0))
