with file as (
    insert into pgqueue_demo.demo_files (job_id, path, lines, functions, classes)
    values (%(job_id)s, %(path)s, %(lines)s, %(functions)s, %(classes)s)
    returning demo_files.job_id
)
insert into pgqueue_demo.demo_imports (job_id, module)
select file.job_id, import.module
from file
cross join unnest(%(modules)s::text[]) as import (module)
