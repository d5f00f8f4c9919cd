select
    demo_imports.module,
    count(*) as files
from pgqueue_demo.demo_imports
group by demo_imports.module
order by files desc, demo_imports.module
limit 10
