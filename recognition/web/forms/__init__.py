"""Forms of the recognition pages."""

from recognition.web.forms.asking import (
    AskForm,
    BatchForm,
    CompareForm,
    IdentifyForm,
    VerifyPersonForm,
)
from recognition.web.forms.galleries import GalleryForm, GallerySettingsForm, LimitsForm
from recognition.web.forms.naming import DecisionForm, EnrollFaceForm, NamingForm
from recognition.web.forms.people import (
    ConsentForm,
    IdentityForm,
    ImportForm,
    MergeForm,
    MoveForm,
    PhotosForm,
    SplitForm,
)

__all__ = [
    "AskForm",
    "BatchForm",
    "CompareForm",
    "ConsentForm",
    "DecisionForm",
    "EnrollFaceForm",
    "GalleryForm",
    "GallerySettingsForm",
    "IdentifyForm",
    "IdentityForm",
    "ImportForm",
    "LimitsForm",
    "MergeForm",
    "MoveForm",
    "NamingForm",
    "PhotosForm",
    "SplitForm",
    "VerifyPersonForm",
]
