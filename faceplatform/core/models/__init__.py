"""Models that every app may refer to."""

from faceplatform.core.models.audit import AuditEvent
from faceplatform.core.models.job import Job, JobLogLine, JobState
from faceplatform.core.models.repeat import RepeatableRequest

__all__ = ["AuditEvent", "Job", "JobLogLine", "JobState", "RepeatableRequest"]
