"""The first page after logging in."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.core.models import Job
from faceplatform.core.models.job import ACTIVE_STATES
from recognition.selectors.galleries import gallery_cards
from recognition.selectors.probes import recent_probes
from recognition.web.cards import gallery_tile, probe_row

GALLERIES = 8
ANSWERS = 6
JOBS = 5


class HomeView(PolicyView):
    """Three steps for a new organization; otherwise where one left off."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.ACCOUNT_SELF}

    def get(self, request: HttpRequest) -> HttpResponse:
        principal = self.principal
        if principal.organization is None:
            return render(request, "web/no_organization.html")
        cards = gallery_cards(principal)
        probes = list(recent_probes(principal)[:ANSWERS])
        jobs = Job.objects.filter(organization=principal.organization, state__in=ACTIVE_STATES)
        may_delete = allows(principal, Action.PROBE_DELETE)
        first = next((card.gallery for card in cards if card.images), None)
        context = {
            "galleries": [gallery_tile(principal, card) for card in cards[:GALLERIES]],
            "more_galleries": max(0, len(cards) - GALLERIES),
            "answers": [probe_row(principal, probe, may_delete=may_delete) for probe in probes],
            "jobs": jobs.order_by("-pk")[:JOBS],
            "gallery": first or (cards[0].gallery if cards else None),
            "has_people": first is not None,
            "is_new": first is None or not probes,
        }
        return render(request, "web/home.html", context)
