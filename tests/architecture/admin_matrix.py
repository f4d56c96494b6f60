# ruff: noqa: E501 (a table)
"""Who gets what from every address of the admin, if everybody were staff.

Cells and columns as in `policy_matrix`. Whoever is not staff finds nothing here at all.
"""

ADMIN_TABLE = """
# the overview, for staff with and without an organization
GET  admin:index                              |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
GET  admin:jsi18n                             |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
GET  admin:app_list                           |in|302 302 302 302|302 302 302 302|in  in  in |in  in  in |302 302

# lists: everybody's own organization; POST does something to A's row, ticked in the list
GET  admin:recognition_gallery_changelist     |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:recognition_gallery_changelist     |in|403 403 302 302|403 403 302 302|in  in  in |in  in  in |403 403
GET  admin:recognition_identity_changelist    |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:recognition_identity_changelist    |in|403 403 302 302|403 403 302 302|in  in  in |in  in  in |403 403
GET  admin:recognition_photo_changelist       |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:recognition_faceimage_changelist   |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:recognition_faceimage_changelist   |in|403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET  admin:recognition_consent_changelist     |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:recognition_probe_changelist       |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:recognition_modelversion_changelist|in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:training_dataset_changelist        |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:training_dataset_changelist        |in|403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET  admin:training_evaluation_changelist     |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:training_evaluation_changelist     |in|403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET  admin:recognition_gallerythreshold_changelist|in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:core_job_changelist                |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST admin:core_job_changelist                |in|403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET  admin:core_auditevent_changelist         |in|403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
GET  admin:accounts_organization_changelist   |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET  admin:accounts_membership_changelist     |in|403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
GET  admin:accounts_user_changelist           |in|403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
GET  admin:accounts_apikey_changelist         |in|403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
POST admin:accounts_apikey_changelist         |in|403 403 302 302|403 403 302 302|in  in  in |in  in  in |403 403

# one row of A
GET  admin:recognition_gallery_add            |in|403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST admin:recognition_gallery_add            |in|403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET  admin:recognition_gallery_change         |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:recognition_gallery_change         |in|403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_gallery_delete         |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:recognition_gallery_delete         |in|403 403 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_identity_change        |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:recognition_identity_change        |in|403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_identity_delete        |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:recognition_identity_delete        |in|403 403 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:training_dataset_change            |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:training_dataset_delete            |in|403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:training_dataset_delete            |in|403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:training_evaluation_change         |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:training_evaluation_delete         |in|403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:training_evaluation_delete         |in|403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_gallerythreshold_change|in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_consent_change         |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_probe_change           |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_photo_change           |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_faceimage_change       |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:recognition_faceimage_delete       |in|403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST admin:recognition_faceimage_delete       |in|403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
# built in, so it belongs to everybody who belongs anywhere
GET  admin:recognition_modelversion_change    |in|200 200 200 200|200 200 200 200|in  in  in |in  in  in |404 404
GET  admin:core_job_change                    |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:core_auditevent_change             |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:accounts_organization_change       |in|200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:accounts_membership_change         |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:accounts_user_change               |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET  admin:accounts_apikey_change             |in|403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
"""
