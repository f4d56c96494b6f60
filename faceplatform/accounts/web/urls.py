"""Addresses of the account pages. Log-in and passwords are allauth's views."""

from allauth.account import views as allauth
from django.urls import path

from faceplatform.accounts.access import named
from faceplatform.accounts.policy import Action
from faceplatform.accounts.web import views

ANYBODY = {"GET": Action.PUBLIC, "POST": Action.PUBLIC}
ONESELF = {"GET": Action.ACCOUNT_SELF, "POST": Action.ACCOUNT_SELF}

urlpatterns = [
    path("accounts/login/", named(allauth.login, ANYBODY), name="account_login"),
    path("accounts/logout/", named(allauth.logout, ONESELF), name="account_logout"),
    path("accounts/signup/", named(allauth.signup, ANYBODY), name="account_signup"),
    path(
        "accounts/inactive/",
        named(allauth.account_inactive, {"GET": Action.PUBLIC}),
        name="account_inactive",
    ),
    path(
        "accounts/password/change/",
        named(allauth.password_change, ONESELF),
        name="account_change_password",
    ),
    path("setup/<str:token>/", views.SetupView.as_view(), name="setup"),
    path("settings/", views.SettingsView.as_view(), name="settings"),
    path(
        "settings/organization/",
        views.SwitchOrganizationView.as_view(),
        name="settings_organization",
    ),
    path("settings/keys/", views.KeysView.as_view(), name="keys"),
    path("settings/keys/<uuid:pk>/revoke/", views.KeyRevokeView.as_view(), name="key_revoke"),
]
