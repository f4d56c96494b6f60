"""The living page of components: every one in every state, for staff."""

from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.web.samples import samples


class DesignView(PolicyView):
    """All components with made-up people, drawn by ourselves."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.ACCOUNT_SELF}

    def get(self, request: HttpRequest) -> HttpResponse:
        user = self.principal.user
        if user is None or not user.is_staff:
            raise Http404
        return render(request, "web/design.html", samples())
