"""Workers, jobs and the nightly clock."""

from celery.schedules import crontab

from faceplatform.settings import env
from faceplatform.stack import endpoints
from faceplatform.stack.layout import Layout

CELERY_BROKER_URL = endpoints.broker_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Messages are acknowledged early: a lost worker is noticed by the lease of its job's row.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A request that publishes a job must not wait for a broker that is away or does not answer:
    # the outbox will ring. Workers wait for messages a second at a time.
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(Layout.current().beat_schedule)
CELERY_BEAT_SCHEDULE = {
    "purge-expired-probes": {
        "task": "recognition.purge_expired_probes",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"expires": 3600},
    },
    "follow-consents-and-retention": {
        "task": "recognition.follow_consents_and_retention",
        "schedule": crontab(hour="0", minute="20"),
        "options": {"expires": 3600},
    },
    "keep-search-tidy": {
        "task": "recognition.keep_search_tidy",
        "schedule": crontab(minute="40"),
        "options": {"expires": 3000},
    },
    "keep-scoring-current": {
        "task": "recognition.keep_scoring_current",
        "schedule": crontab(minute="25"),
        "options": {"expires": 3000},
    },
}

JOB_LEASE_SECONDS = env.decimal("JOB_LEASE_SECONDS", 60, minimum=0.5)
JOB_HEARTBEAT_SECONDS = env.decimal("JOB_HEARTBEAT_SECONDS", 10, minimum=0.1)
JOB_DISPATCH_SECONDS = env.decimal("JOB_DISPATCH_SECONDS", 1, minimum=0.05)
JOB_REPUBLISH_SECONDS = env.decimal("JOB_REPUBLISH_SECONDS", 30, minimum=0.1)
JOB_RETRY_SECONDS = env.decimal("JOB_RETRY_SECONDS", 5, minimum=0)
JOB_PROGRESS_SECONDS = env.decimal("JOB_PROGRESS_SECONDS", 0.5, minimum=0)
JOB_MAX_ATTEMPTS = 3
