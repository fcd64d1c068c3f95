"""What worker and clock have in common: the broker, its one queue, and when what is rung for."""

from __future__ import annotations

from typing import Any

from kombu import Queue

from config.env import env

QUEUE: dict[str, Any] = {
    "broker_url": env.redis_url,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # a broker may be away for long; one waits for it
    # A message comes back by itself after this long; the sweeper, which reads leases in the
    # database, is far quicker. Source: docs/explanation/algorithms/leases.md
    "broker_transport_options": {
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A request does not wait for a broker that is away: what it rings for is in the database.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    },
    "task_ignore_result": True,
    "task_default_queue": "fairmesh",
    "task_queues": [Queue("fairmesh")],
    "timezone": "UTC",
    "beat_schedule": {
        "dispatch-outbox": {"task": "core.tasks.dispatch_outbox", "schedule": 2.0},
        "sweep-transfers": {
            "task": "movement.tasks.sweep_transfers",
            "schedule": float(env.sweep_seconds),
        },
        "sweep-runs": {"task": "transforms.tasks.sweep_runs", "schedule": float(env.sweep_seconds)},
        "run-schedules": {"task": "transforms.tasks.run_schedules", "schedule": 60.0},
        "sweep-scans": {
            "task": "transforms.tasks.sweep_scans",
            "schedule": float(env.sweep_seconds),
        },
        "scan-unscanned": {"task": "transforms.tasks.scan_unscanned", "schedule": 600.0},
        "sweep-erasures": {
            "task": "movement.tasks.sweep_erasures",
            "schedule": float(env.sweep_seconds),
        },
        "end-retentions": {"task": "movement.tasks.end_retentions", "schedule": 3600.0},
        "sweep-scrubs": {
            "task": "movement.tasks.sweep_scrubs",
            "schedule": float(env.sweep_seconds),
        },
        "scrub-due": {"task": "movement.tasks.scrub_due", "schedule": 60.0},
        "sweep-uploads": {"task": "movement.tasks.sweep_uploads", "schedule": 3600.0},
        "reconcile": {"task": "movement.tasks.reconcile_all", "schedule": 60.0},
        "remove-due": {"task": "movement.tasks.remove_due", "schedule": 300.0},
        "check-stores": {"task": "movement.tasks.check_stores", "schedule": 30.0},
        "watch-sites": {"task": "movement.tasks.watch_sites", "schedule": 60.0},
        "escalate-requests": {"task": "governance.tasks.escalate_requests", "schedule": 60.0},
        "keep-audit": {"task": "movement.tasks.keep_audit", "schedule": 60.0},
        "keep-locks": {"task": "movement.tasks.keep_locks", "schedule": 60.0},
        "sequence-audit": {"task": "governance.tasks.sequence_audit", "schedule": 3.0},
        "roll-up-reads": {"task": "governance.tasks.roll_up_reads", "schedule": 300.0},
        "end-campaigns": {"task": "governance.tasks.end_campaigns", "schedule": 60.0},
    },
}
