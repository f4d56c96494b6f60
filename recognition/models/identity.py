"""A person in a gallery."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Lookup, Q, Value

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.gallery import Gallery
from recognition.words import indexed_words, part_query


class WordVector(Func):
    """The words of a row as a tsvector, exactly as they are."""

    function = "array_to_tsvector"
    output_field = models.TextField()


class WordsMatch(Lookup):
    """Whether words match a tsquery that is already in its final form."""

    lookup_name = "words_match"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return the SQL that the index on the words answers."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @@ {right}::tsquery", [*left_params, *right_params]


class Identity(models.Model):
    """An enrolled person. Names are kept in Unicode NFC and unique within a gallery.

    `words` are the folded words of name and external id with their endings, for search. `matchable`
    says whether searches may find the person: no consent was withdrawn and, where the gallery asks
    for one, one holds. Templates follow it. `retain_until` is the last day; the night after erases
    the person.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="identities"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="identities")
    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=120, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    notes = models.TextField(blank=True)
    words = ArrayField(models.TextField(), default=list, blank=True, editable=False)
    matchable = models.BooleanField(default=True, editable=False)
    retain_until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["gallery", "name"], name="identity_name_once"),
            models.UniqueConstraint(
                fields=["gallery", "external_id"],
                name="identity_external_id_once",
                condition=~Q(external_id=""),
            ),
        ]
        indexes = [
            GinIndex(WordVector(F("words")), name="identity_by_words"),
            GinIndex(fields=["tags"], name="identity_by_tag"),
            models.Index(fields=["gallery", "-id"], name="identity_by_gallery"),
            models.Index(
                fields=["retain_until"],
                name="identity_by_retention",
                condition=Q(retain_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """Keep the words in step; where consent is required nobody is found before they gave it."""
        self.words = indexed_words(self.name, self.external_id)
        if self._state.adding and self.gallery.consent_required:
            self.matchable = False
        fields = options.get("update_fields")
        if fields is not None and not {"name", "external_id"}.isdisjoint(fields):
            options["update_fields"] = {*fields, "words"}
        super().save(**options)


def words_match(search: str) -> "WordsMatch | None":
    """Return the condition that a person's words hold those of a search; None for none."""
    query = part_query(search)
    if not query:
        return None
    return WordsMatch(WordVector(F("words")), Value(query))
