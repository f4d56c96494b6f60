"""How each address is asked so that only the policy can stand in the way: valid ids and bodies."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.urls import reverse

from faceplatform.accounts.models import ApiKey
from faceplatform.accounts.routes import Route
from faceplatform.core.models import Job
from recognition.models import FaceImage, Gallery, Identity
from recognition.services.pictures import picture_url
from tests.architecture.world import Caller, World, photo_of, video_of, zip_of_people
from tests.factories import PASSWORD
from training.models import Dataset, Evaluation

NEW_PASSWORD = "another correct horse"


@dataclass
class Ask:
    """One request: fields of a form, or a JSON body."""

    form: dict[str, Any] | None = None
    json: dict[str, Any] | None = None
    query: str = ""
    path: str = ""


Recipe = Callable[[World, Caller], Ask]


def _picture(kind: Any) -> Recipe:
    """A's own link for A's callers; everybody else copies the viewer's."""

    def ask(world: World, caller: Caller) -> Ask:
        belongs = caller.principal.organization_id == world.a.organization.pk
        principal = caller.principal if belongs else world.callers["viewer"].principal
        row = {"photo_id": world.a.face.photo_id} if kind == "original" else {
            "face_id": world.a.face.pk
        }  # fmt: skip
        return Ask(path=picture_url(principal=principal, kind=kind, **row))

    return ask


def _form(**fields: Any) -> Recipe:
    return lambda world, caller: Ask(form=fields)


def _ticked(model: type[Model], action: str) -> Recipe:
    """Do something to A's row, ticked in a list of the admin."""

    def ask(world: World, caller: Caller) -> Ask:
        row = str(world.a.row_of(model).pk)
        return Ask(form={"action": action, "_selected_action": [row], "post": "yes"})

    return ask


def _json(**fields: Any) -> Recipe:
    return lambda world, caller: Ask(json=fields)


RECIPES: dict[tuple[str, str], Recipe] = {
    ("GET", "picture"): _picture("crop"),
    ("GET", "picture?original"): _picture("original"),
    ("GET", "identify?gallery"): lambda w, c: Ask(query=f"?gallery={w.a.gallery.pk}"),
    ("GET", "probe_similar?identity"): lambda w, c: Ask(query=f"?identity={w.a.identity.pk}"),
    ("POST", "api_identify"): lambda w, c: Ask(form={"image": photo_of()}),
    ("POST", "api_identify_many"): lambda w, c: Ask(
        form={"image": photo_of(), "galleries": [str(w.a.gallery.pk)]}
    ),
    ("POST", "api_report"): _json(),
    ("POST", "api_batches"): lambda w, c: Ask(form={"archive": zip_of_people()}),
    ("POST", "gallery_batch"): lambda w, c: Ask(form={"photos": photo_of()}),
    ("POST", "api_videos"): lambda w, c: Ask(form={"video": video_of()}),
    ("POST", "api_video_enroll"): _json(name="Somebody of a video"),
    ("POST", "video_new"): lambda w, c: Ask(
        form={"gallery": str(w.a.gallery.pk), "video": video_of()}
    ),
    ("POST", "video_enroll"): _form(name="Somebody of a video"),
    ("POST", "api_look_alikes"): lambda w, c: Ask(form={"image": photo_of()}),
    ("POST", "api_live"): lambda w, c: Ask(form={"image": photo_of()}),
    ("POST", "identify_play"): lambda w, c: Ask(
        form={"gallery": str(w.a.gallery.pk), "photo": photo_of()}
    ),
    ("POST", "api_verify"): lambda w, c: Ask(
        form={"first": photo_of(), "second": photo_of(variant=6)}
    ),
    ("POST", "api_identity_merge"): lambda w, c: Ask(json={"source": str(w.a.namesake.pk)}),
    ("POST", "api_merge_undo"): _json(),
    ("POST", "api_identity_move"): lambda w, c: Ask(json={"gallery": str(w.a.spare.pk)}),
    ("POST", "api_identity_split"): lambda w, c: Ask(
        json={"images": [str(w.a.face.pk)], "name": "Somebody split"}
    ),
    ("POST", "api_consents"): _json(purpose="Entry", given_on="2026-01-31"),
    ("POST", "api_consent_withdraw"): _json(),
    ("POST", "identity_merge"): lambda w, c: Ask(form={"source": str(w.a.namesake.pk)}),
    ("POST", "identity_move"): lambda w, c: Ask(form={"gallery": str(w.a.spare.pk)}),
    ("POST", "identity_split"): lambda w, c: Ask(
        form={"images": [str(w.a.face.pk)], "name": "Somebody split"}
    ),
    ("POST", "identity_consents"): _form(purpose="Entry", given_on="2026-01-31"),
    ("POST", "api_verify_identity"): lambda w, c: Ask(form={"image": photo_of()}),
    ("POST", "compare"): lambda w, c: Ask(
        form={"first": photo_of(), "second": photo_of(variant=6), "fmr": "0.001"}
    ),
    ("POST", "identity_verify"): lambda w, c: Ask(
        form={"photo": photo_of(), "rule": "centroid", "fmr": "0.001"}
    ),
    ("POST", "api_images"): lambda w, c: Ask(form={"images": photo_of()}),
    ("POST", "api_imports"): lambda w, c: Ask(form={"archive": zip_of_people()}),
    ("POST", "api_identities"): _json(name="Somebody new"),
    ("POST", "api_galleries"): _json(name="A new gallery"),
    ("POST", "api_job_cancel"): _json(),
    ("POST", "api_image_decisions"): _json(action="reject"),
    ("POST", "api_decision_undo"): _json(),
    ("POST", "api_hygiene"): _json(),
    ("PATCH", "api_finding"): _json(dismissed=True),
    ("POST", "api_gallery_scoring"): _json(kind="raw"),
    ("PATCH", "api_gallery"): _json(description="changed"),
    ("PATCH", "api_identity"): _json(notes="changed"),
    ("POST", "account_login"): lambda w, c: Ask(
        form={"login": w.a.people[next(iter(w.a.people))].email, "password": PASSWORD}
    ),
    ("POST", "account_signup"): _form(
        email="new@example.org", password1=NEW_PASSWORD, password2=NEW_PASSWORD
    ),
    ("POST", "account_change_password"): lambda w, c: Ask(
        form={
            "oldpassword": "x" * 12 if c.name == "superuser" else PASSWORD,
            "password1": NEW_PASSWORD,
            "password2": NEW_PASSWORD,
        }
    ),
    ("POST", "setup"): _form(email="a@example.org", password=NEW_PASSWORD),
    ("POST", "settings_organization"): lambda w, c: Ask(
        form={"organization": str(w.a.organization.pk)}
    ),
    ("POST", "keys"): _form(name="Door", scopes=["read"], days="30"),
    ("POST", "identify"): lambda w, c: Ask(
        form={"gallery": str(w.a.gallery.pk), "photo": photo_of()}
    ),
    ("POST", "probe_again"): lambda w, c: Ask(form={"gallery": str(w.a.gallery.pk)}),
    ("POST", "probe_people"): _form(**{"face-1": "Somebody named"}),
    ("POST", "api_photos"): lambda w, c: Ask(
        form={"image": photo_of(), "people": '[{"face": 1, "name": "Somebody new"}]'}
    ),
    ("POST", "probe_enroll"): _form(name="Somebody from an answer"),
    ("POST", "api_datasets"): lambda w, c: Ask(
        json={"name": "A new dataset", "galleries": [str(w.a.gallery.pk)]}
    ),
    ("POST", "api_evaluations"): lambda w, c: Ask(
        json={"gallery_id": str(w.a.gallery.pk), "protocol": "all_pairs"}
    ),
    ("PUT", "api_threshold"): lambda w, c: Ask(
        json={
            "evaluation_id": str(w.a.row_of(Evaluation).pk),
            "target": "fpir",
            "rate": 0.1,
        }
    ),
    ("POST", "api_training_runs"): lambda w, c: Ask(
        json={"recipe": "metric", "dataset_id": str(w.a.row_of(Dataset).pk)}
    ),
    ("POST", "training_new"): lambda w, c: Ask(
        query="?recipe=baseline-gnb",
        form={"dataset": str(w.a.row_of(Dataset).pk), "set_pairs": "500", "set_seed": "1"},
    ),
    ("POST", "api_gallery_model"): lambda w, c: Ask(
        json={"model_id": str(w.a.gallery.model_version_id)}
    ),
    ("POST", "gallery_model"): lambda w, c: Ask(
        form={"version": str(w.a.gallery.model_version_id)}
    ),
    ("POST", "gallery_model_clean_up"): lambda w, c: Ask(
        form={"version": str(w.a.gallery.model_version_id)}
    ),
    ("POST", "dataset_new"): lambda w, c: Ask(
        form={
            "name": "A new dataset",
            "galleries": [str(w.a.gallery.pk)],
            "min_images": "1",
            "input_kind": "photo",
            "split_kind": "none",
        }
    ),
    ("POST", "evaluation_new"): lambda w, c: Ask(
        form={"source": f"gallery:{w.a.gallery.pk}", "protocol": "all_pairs"}
    ),
    ("GET", "evaluation_compare"): lambda w, c: Ask(
        query=f"?first={w.a.row_of(Evaluation).pk}&second={w.a.row_of(Evaluation).pk}"
    ),
    ("GET", "evaluation_pairs_file"): lambda w, c: Ask(
        query="?kind=all&low=-1&high=1&file_format=csv.gz"
    ),
    ("POST", "evaluation_apply"): _form(choice="fpir:0.1"),
    ("POST", "evaluation_label"): lambda w, c: Ask(form={"face": str(w.a.face.pk)}),
    ("POST", "gallery_new"): _form(name="A new gallery", description="", probe_days="30"),
    ("POST", "gallery_settings"): _form(
        name="Alpha-gallery", description="x", probe_days="7", searchable="on"
    ),
    ("POST", "gallery_limits"): _form(eye_distance="14"),
    ("POST", "image_decide"): _form(action="accept"),
    ("POST", "gallery_scoring"): _form(kind="raw"),
    ("POST", "gallery_import"): lambda w, c: Ask(form={"archive": zip_of_people()}),
    ("POST", "identity_new"): _form(name="Somebody new", external_id="", notes=""),
    ("POST", "identity_images"): lambda w, c: Ask(form={"photos": photo_of()}),
    ("POST", "identity_edit"): _form(name="Alpha-identity", external_id="", notes="x"),
    ("POST", "admin:recognition_gallery_add"): _form(name="New", description="", probe_days="30"),
    ("POST", "admin:recognition_gallery_change"): _form(
        name="Alpha-gallery", description="x", probe_days="7", searchable="on"
    ),
    ("POST", "admin:recognition_identity_change"): _form(
        name="Alpha-identity", external_id="", notes="x"
    ),
    ("POST", "admin:recognition_gallery_delete"): _form(post="yes"),
    ("POST", "admin:recognition_identity_delete"): _form(post="yes"),
    ("POST", "admin:recognition_faceimage_delete"): _form(post="yes"),
    ("POST", "admin:training_dataset_delete"): _form(post="yes"),
    ("POST", "admin:training_evaluation_delete"): _form(post="yes"),
    ("POST", "admin:recognition_gallery_changelist"): _ticked(Gallery, "delete_selected"),
    ("POST", "admin:recognition_identity_changelist"): _ticked(Identity, "delete_selected"),
    ("POST", "admin:recognition_faceimage_changelist"): _ticked(FaceImage, "delete_selected"),
    ("POST", "admin:training_dataset_changelist"): _ticked(Dataset, "delete_selected"),
    ("POST", "admin:training_evaluation_changelist"): _ticked(Evaluation, "delete_selected"),
    ("POST", "admin:core_job_changelist"): _ticked(Job, "cancel"),
    ("POST", "admin:accounts_apikey_changelist"): _ticked(ApiKey, "revoke"),
}


def ask(world: World, caller: Caller, route: Route, method: str, variant: str = "") -> Any:
    """Send the request of this row for this caller; every id is A's."""
    recipe = RECIPES.get((method, f"{route.name}{variant}"))
    asked = recipe(world, caller) if recipe else Ask()
    path = asked.path or reverse(route.name, kwargs=_arguments(world, route))
    path += asked.query
    client = caller.client
    if asked.json is not None:
        response = client.generic(
            method, path, json.dumps(asked.json), content_type="application/json"
        )
    elif method == "POST":
        response = client.post(path, asked.form or {})
    else:
        response = client.generic(method, path)
    return response


def _arguments(world: World, route: Route) -> dict[str, Any]:
    models = getattr(route.view, "path_models", {})
    arguments = {name: world.a.rows[model].pk for name, model in models.items()}
    if "<int:number>" in route.pattern:
        arguments["number"] = 1
    if "<str:name>" in route.pattern:
        arguments["name"] = "history.csv"
    if "<int:frame>" in route.pattern:
        arguments["frame"] = 1
    if "<str:token>" in route.pattern:
        arguments["token"] = "a" * 32
    if "<path:object_id>" in route.pattern:
        # admin:<app>_<model>_<verb>
        app, model, _ = route.name.removeprefix("admin:").split("_")
        arguments["object_id"] = world.a.row_of(apps.get_model(app, model)).pk
    if "?P<app_label>" in route.pattern:
        arguments["app_label"] = "recognition"
    return arguments
