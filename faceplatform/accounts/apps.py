"""Users, organizations, keys and the policy table."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, what they belong to and what they may do."""

    name = "faceplatform.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check that every address names its action."""
        from faceplatform.accounts import checks  # noqa: F401
