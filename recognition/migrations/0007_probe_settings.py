from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recognition', '0006_hygiene'),
    ]

    operations = [
        migrations.AddField(
            model_name='probe',
            name='settings',
            field=models.JSONField(default=dict),
        ),
    ]
