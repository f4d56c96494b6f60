"""The admin: which of its apps run, and how it looks."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static


def _favicon(request: HttpRequest) -> str:
    return static("img/favicon.svg")


# unfold comes before Django's admin, whose templates it replaces. Neither discovers admin modules
# by itself: only what faceplatform.admin.urls names is shown, never what a package brings along.
ADMIN_APPS = ["unfold.apps.BasicAppConfig", "django.contrib.admin.apps.SimpleAdminConfig"]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Administration",
    "SITE_HEADER": "Administration",
    "SITE_SYMBOL": "admin_panel_settings",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SHOW_HISTORY": False,  # the audit log is the history
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "faceplatform.admin.summary.add_summary",
}
