"""People who were there before are found by any part of their names."""

import json

from django.db import migrations

from recognition.words import indexed_words, words_of

BATCH = 1000
_UPDATE = """
    UPDATE recognition_identity i SET words = ARRAY(SELECT jsonb_array_elements_text(v.words))
      FROM jsonb_to_recordset(%s::jsonb) AS v(id uuid, words jsonb) WHERE i.id = v.id
"""


def _fill(apps, schema_editor, words):
    people = apps.get_model("recognition", "Identity").objects.order_by("pk")
    rows = people.values_list("pk", "name", "external_id").iterator(chunk_size=BATCH)
    batch = []
    with schema_editor.connection.cursor() as cursor:
        for pk, name, external_id in rows:
            batch.append({"id": str(pk), "words": words(name, external_id)})
            if len(batch) == BATCH:
                cursor.execute(_UPDATE, [json.dumps(batch)])
                batch = []
        cursor.execute(_UPDATE, [json.dumps(batch)])


def with_endings(apps, schema_editor):
    _fill(apps, schema_editor, indexed_words)


def without_endings(apps, schema_editor):
    _fill(apps, schema_editor, words_of)


class Migration(migrations.Migration):

    dependencies = [
        ("recognition", "0013_probe_batches"),
    ]

    operations = [
        migrations.RunPython(with_endings, without_endings),
    ]
