"""What is checked before the platform starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from recognition.vision import registry
from recognition.vision.errors import UnknownBackbone


@register()
def check_backbone(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a default backbone that does not exist."""
    try:
        registry.get(settings.DEFAULT_BACKBONE)
    except UnknownBackbone as error:
        return [Error(str(error), id="recognition.E001")]
    return []
