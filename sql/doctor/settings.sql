-- Settings as they hold for a session like this one; `value` and `source` would
-- tell what was set for the length of this very look.
select
    settings.name,
    settings.reset_val as value,
    settings.unit
from pg_catalog.pg_settings as settings
where settings.reset_val is not null
