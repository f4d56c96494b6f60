"""Everything that the admin shows, in the order of its menu."""

from django.db.models import Model

from faceplatform.accounts.admin import (
    ApiKeyAdmin,
    MembershipAdmin,
    OrganizationAdmin,
    UserAdmin,
)
from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.admin.audit import AuditEventAdmin
from faceplatform.admin.base import ScopedAdmin
from faceplatform.admin.jobs import JobAdmin
from faceplatform.admin.site import site
from faceplatform.core.models import AuditEvent, Job
from recognition.admin import (
    ConsentAdmin,
    FaceImageAdmin,
    GalleryAdmin,
    GalleryThresholdAdmin,
    IdentityAdmin,
    ModelVersionAdmin,
    PhotoAdmin,
    ProbeAdmin,
)
from recognition.models import (
    Consent,
    FaceImage,
    Gallery,
    GalleryThreshold,
    Identity,
    ModelVersion,
    Photo,
    Probe,
)
from training.admin import DatasetAdmin, EvaluationAdmin
from training.models import Dataset, Evaluation

SHOWN: dict[type[Model], type[ScopedAdmin]] = {
    Gallery: GalleryAdmin,
    Identity: IdentityAdmin,
    Photo: PhotoAdmin,
    FaceImage: FaceImageAdmin,
    Consent: ConsentAdmin,
    Probe: ProbeAdmin,
    Dataset: DatasetAdmin,
    Evaluation: EvaluationAdmin,
    GalleryThreshold: GalleryThresholdAdmin,
    ModelVersion: ModelVersionAdmin,
    Job: JobAdmin,
    AuditEvent: AuditEventAdmin,
    Organization: OrganizationAdmin,
    Membership: MembershipAdmin,
    User: UserAdmin,
    ApiKey: ApiKeyAdmin,
}

for model, model_admin in SHOWN.items():
    site.register(model, model_admin)

urlpatterns = site.get_urls()
app_name = "admin"
