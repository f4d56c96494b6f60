"""People, what they belong to, and keys."""

from faceplatform.accounts.models.api_key import ApiKey
from faceplatform.accounts.models.organization import Membership, Organization
from faceplatform.accounts.models.setup_link import SetupLink
from faceplatform.accounts.models.user import User

__all__ = ["ApiKey", "Membership", "Organization", "SetupLink", "User"]
