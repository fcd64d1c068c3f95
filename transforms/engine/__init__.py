"""The pure half of transforms: documents and bytes in, shards and reports out.

Nothing here knows Django, a broker or a store. `spec` reads a pipeline, `plan` cuts its input into
shards, `shard` does the work of one of them, `run_local` runs them all in this process.
"""
