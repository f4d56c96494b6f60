"""Who may do what: the one table that pages, the API and the admin ask.

An action is what a route does, not where it lives. Every route names its action (see
`faceplatform.accounts.access`); a route that names none fails the build. Objects of another
organization never reach this table: selectors do not find them, which answers 404.
"""

from dataclasses import dataclass
from enum import StrEnum

from faceplatform.accounts.principal import Principal
from faceplatform.accounts.roles import Role, Scope


class Action(StrEnum):
    """Everything that a route can do."""

    PUBLIC = "public"
    ACCOUNT_SELF = "account.self"
    HEALTH_DETAIL = "health.detail"
    GALLERY_VIEW = "gallery.view"
    GALLERY_CREATE = "gallery.create"
    GALLERY_CHANGE = "gallery.change"
    GALLERY_DELETE = "gallery.delete"
    IDENTITY_VIEW = "identity.view"
    IDENTITY_ENROLL = "identity.enroll"
    IDENTITY_CHANGE = "identity.change"
    IDENTITY_ERASE = "identity.erase"
    REVIEW_DECIDE = "review.decide"
    IMPORT_CREATE = "import.create"
    IDENTIFY = "identify"
    VERIFY = "verify"
    PROBE_VIEW = "probe.view"
    PROBE_DELETE = "probe.delete"
    PICTURE_VIEW = "picture.view"
    PICTURE_EXPORT = "picture.export"
    JOB_VIEW = "job.view"
    JOB_CANCEL = "job.cancel"
    MODEL_VIEW = "model.view"
    DATASET_VIEW = "dataset.view"
    DATASET_CREATE = "dataset.create"
    DATASET_DELETE = "dataset.delete"
    EVALUATION_VIEW = "evaluation.view"
    EVALUATION_RUN = "evaluation.run"
    EVALUATION_DELETE = "evaluation.delete"
    THRESHOLD_APPLY = "threshold.apply"
    TRAINING_VIEW = "training.view"
    TRAINING_RUN = "training.run"
    TRAINING_DELETE = "training.delete"
    MODEL_PROMOTE = "model.promote"
    KEY_MANAGE = "key.manage"
    AUDIT_VIEW = "audit.view"
    ORGANIZATION_VIEW = "organization.view"
    MEMBER_VIEW = "member.view"
    ADMIN_ENTER = "admin.enter"


VIEWERS = frozenset({Role.OWNER, Role.ADMIN, Role.OPERATOR, Role.VIEWER})
OPERATORS = frozenset({Role.OWNER, Role.ADMIN, Role.OPERATOR})
ADMINS = frozenset({Role.OWNER, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles and key scopes that may do an action.

    `public` asks nobody; `personal` is about the one who asks and needs no organization.
    """

    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    public: bool = False
    personal: bool = False


def _scopes(*scopes: Scope) -> frozenset[Scope]:
    return frozenset(scopes)


POLICY: dict[Action, Rule] = {
    Action.PUBLIC: Rule(public=True),
    Action.ACCOUNT_SELF: Rule(VIEWERS, frozenset(Scope), personal=True),
    Action.HEALTH_DETAIL: Rule(ADMINS),
    Action.GALLERY_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.GALLERY_CREATE: Rule(OPERATORS),
    Action.GALLERY_CHANGE: Rule(OPERATORS),
    Action.GALLERY_DELETE: Rule(ADMINS),
    Action.IDENTITY_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.IDENTITY_ENROLL: Rule(OPERATORS, _scopes(Scope.ENROLL)),
    Action.IDENTITY_CHANGE: Rule(OPERATORS),
    Action.IDENTITY_ERASE: Rule(ADMINS),
    # No key: what may enroll must not let its own images out of quarantine.
    Action.REVIEW_DECIDE: Rule(OPERATORS),
    Action.IMPORT_CREATE: Rule(OPERATORS, _scopes(Scope.ENROLL)),
    Action.IDENTIFY: Rule(OPERATORS, _scopes(Scope.IDENTIFY)),
    Action.VERIFY: Rule(OPERATORS, _scopes(Scope.IDENTIFY)),
    Action.PROBE_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.PROBE_DELETE: Rule(OPERATORS),
    Action.PICTURE_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.PICTURE_EXPORT: Rule(ADMINS),
    Action.JOB_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.JOB_CANCEL: Rule(OPERATORS),
    Action.MODEL_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.DATASET_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.DATASET_CREATE: Rule(OPERATORS, _scopes(Scope.EVALUATE)),
    Action.DATASET_DELETE: Rule(OPERATORS),
    Action.EVALUATION_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.EVALUATION_RUN: Rule(OPERATORS, _scopes(Scope.EVALUATE)),
    Action.EVALUATION_DELETE: Rule(OPERATORS),
    Action.THRESHOLD_APPLY: Rule(OPERATORS, _scopes(Scope.EVALUATE)),
    Action.TRAINING_VIEW: Rule(VIEWERS, _scopes(Scope.READ)),
    Action.TRAINING_RUN: Rule(OPERATORS),
    Action.TRAINING_DELETE: Rule(OPERATORS),
    # Everybody who asks the gallery gets other answers from then on.
    Action.MODEL_PROMOTE: Rule(ADMINS),
    Action.KEY_MANAGE: Rule(ADMINS),
    Action.AUDIT_VIEW: Rule(ADMINS),
    Action.ORGANIZATION_VIEW: Rule(VIEWERS),
    Action.MEMBER_VIEW: Rule(ADMINS),
    # Counts and states, for staff; `faceplatform.admin.gate` asks for that flag.
    Action.ADMIN_ENTER: Rule(VIEWERS, personal=True),
}


def allows(principal: Principal, action: Action) -> bool:
    """Whether this principal may do this action in its organization.

    A key may do what one of its scopes says and the role of its maker still allows.
    """
    rule = POLICY[action]
    if rule.public:
        return True
    if rule.personal and principal.user is not None:
        return True
    if principal.organization is None or principal.role not in rule.roles:
        return False
    return principal.api_key is None or not rule.scopes.isdisjoint(principal.scopes)
