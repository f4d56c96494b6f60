"""Who gets what from every address, written down without looking at the code that decides it.

From the platform's authorization matrix (who may see, ask, add, change, erase and manage), not from
`faceplatform.accounts.policy`: a mistake there must show as a deviation here.

A row is one method of one named address, a cell the status of the answer; `in` stands for the way
to the log-in page. All ids in paths and forms are organization A's. The columns:

- nobody
- members of A: viewer, operator, admin, owner
- members of B with the same roles, who ask for what is A's
- keys of A with one scope each: read, identify, enroll, evaluate
- keys of B with the same scopes

The last of the four keys is written where it may do more than the others: with three cells it gets
what two of the three get, which is what a key gets that was made for something else.

- somebody who belongs to no organization, and a superuser who belongs to none

`?` marks a second way to ask the same address.
"""

from tests.architecture.admin_matrix import ADMIN_TABLE

COLUMNS = (
    "nobody",
    "viewer", "operator", "admin", "owner",
    "B viewer", "B operator", "B admin", "B owner",
    "key read", "key identify", "key enroll", "key evaluate",
    "B key read", "B key identify", "B key enroll", "B key evaluate",
    "lone", "superuser",
)  # fmt: skip

_TABLE = """
# who we are, and how the platform is
GET    healthz              |200|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200
GET    readyz               |200|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200
GET    metrics              |in |403 403 200 200|403 403 200 200|401 401 401|401 401 401|403 403
GET    api_schema           |200|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200
GET    api_docs             |200|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200
GET    api_me               |401|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200

# reading, in the API
GET    api_galleries        |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
GET    api_gallery          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_identities       |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_identity         |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_images           |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_image            |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_hygiene          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_review           |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_image_decisions  |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_imports          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_import           |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_import_items     |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_import_items_csv |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_probes           |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_probe            |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_face_decision    |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_similar          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_similar_csv      |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_jobs             |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
GET    api_job              |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_job_log          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_models           |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403

# asking who is in a photo
POST   api_identify         |401|403 200 200 200|404 404 404 404|403 200 403|404 404 404|404 404
POST   api_verify           |401|403 200 200 200|403 200 200 200|403 200 403|403 200 403|403 403
POST   api_identify_many    |401|403 200 200 200|403 404 404 404|403 200 403|403 404 403|403 403
POST   api_look_alikes      |401|403 200 200 200|404 404 404 404|403 200 403|404 404 404|404 404
POST   api_live             |401|403 200 200 200|404 404 404 404|403 200 403|404 404 404|404 404
GET    api_resembling       |401|403 200 200 200|404 404 404 404|403 200 403|404 404 404|404 404
POST   api_report           |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_batches          |401|403 202 202 202|404 404 404 404|403 202 403|404 404 404|404 404
GET    api_batch            |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_batch_csv        |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_videos           |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
POST   api_videos           |401|403 202 202 202|404 404 404 404|403 202 403|404 404 404|404 404
GET    api_video            |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
DELETE api_video            |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
GET    api_video_csv        |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_video_vtt        |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
POST   api_video_enroll     |401|403 201 201 201|404 404 404 404|403 403 201|404 404 404|404 404
POST   api_verify_identity  |401|403 200 200 200|404 404 404 404|403 200 403|404 404 404|404 404
GET    api_verifications    |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
GET    api_verification     |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
DELETE api_verification     |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404

# adding people and photos
POST   api_identities       |401|403 201 201 201|404 404 404 404|403 403 201|404 404 404|404 404
POST   api_images           |401|403 201 201 201|404 404 404 404|403 403 201|404 404 404|404 404
POST   api_imports          |401|403 202 202 202|404 404 404 404|403 403 202|404 404 404|404 404

# changing
POST   api_galleries        |401|403 201 201 201|403 201 201 201|403 403 403|403 403 403|403 403
PATCH  api_gallery          |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_hygiene          |401|403 202 202 202|404 404 404 404|403 403 403|404 404 404|404 404
PATCH  api_finding          |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_image_decisions  |401|403 201 201 201|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_decision_undo    |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_photos           |401|403 201 201 201|404 404 404 404|403 403 201|404 404 404|404 404
POST   api_identity_merge   |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_merge_undo       |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_identity_move    |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_identity_split   |401|403 201 201 201|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_consents         |401|403 201 201 201|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_consent_withdraw |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
GET    api_consents         |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_identity_export  |401|403 403 200 200|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_gallery_scoring  |401|403 202 202 202|404 404 404 404|403 403 403|404 404 404|404 404
PATCH  api_identity         |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404
DELETE api_image            |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
DELETE api_probe            |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_job_cancel       |401|403 200 200 200|404 404 404 404|403 403 403|404 404 404|404 404

# erasing
DELETE api_gallery          |401|403 403 204 204|404 404 404 404|403 403 403|404 404 404|404 404
DELETE api_identity         |401|403 403 204 204|404 404 404 404|403 403 403|404 404 404|404 404

# pictures; A's people follow their own link, everybody else one that was made for A's viewer
GET    picture              |401|200 200 200 200|404 404 404 404|200 403 403|404 403 403|403 403
GET    picture?original     |401|403 403 200 200|404 404 404 404|403 403 403|404 403 403|403 403

# accounts
GET    account_login        |200|302 302 302 302|302 302 302 302|200 200 200|200 200 200|302 302
POST   account_login        |302|302 302 302 302|302 302 302 302|302 302 302|302 302 302|302 302
GET    account_logout       |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
POST   account_logout       |in |302 302 302 302|302 302 302 302|in  in  in |in  in  in |302 302
GET    account_signup       |200|302 302 302 302|302 302 302 302|200 200 200|200 200 200|302 302
POST   account_signup       |200|302 302 302 302|302 302 302 302|200 200 200|200 200 200|302 302
GET    account_inactive     |200|200 200 200 200|200 200 200 200|200 200 200|200 200 200|200 200
GET    account_change_password|in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
POST   account_change_password|in |302 302 302 302|302 302 302 302|in  in  in |in  in  in |302 302
GET    setup                |410|410 410 410 410|410 410 410 410|410 410 410|410 410 410|410 410
POST   setup                |410|410 410 410 410|410 410 410 410|410 410 410|410 410 410|410 410
GET    settings             |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
POST   settings_organization|in |302 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    settings_status      |in |403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
GET    keys                 |in |403 403 200 200|403 403 200 200|in  in  in |in  in  in |403 403
POST   keys                 |in |403 403 201 201|403 403 201 201|in  in  in |in  in  in |403 403
POST   key_revoke           |in |403 403 302 302|404 404 404 404|in  in  in |in  in  in |404 404

# pages; the one of components is for the installation's staff
GET    home                 |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |200 200
GET    design               |in |404 404 404 404|404 404 404 404|in  in  in |in  in  in |404 200
GET    jobs                 |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    job                  |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    job_live             |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   job_cancel           |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identify             |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    identify?gallery     |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |403 403
POST   identify             |in |403 302 302 302|403 404 404 404|in  in  in |in  in  in |403 403
GET    compare              |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST   compare              |in |403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET    comparison           |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   comparison_delete    |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_merge       |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_merge       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_merge_undo  |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_move        |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_move        |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_split       |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_split       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_export      |in |403 403 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_consents    |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_consent_withdraw|in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_verify      |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_verify      |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    probes               |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    probe                |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_delete         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identify_play        |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   identify_play        |in |403 200 200 200|403 422 422 422|in  in  in |in  in  in |403 403
GET    identify_live        |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
GET    image_resembling     |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_report         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_batch        |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_batch        |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_batch          |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_batch_csv      |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    videos               |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    video_new            |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   video_new            |in |403 302 302 302|403 422 422 422|in  in  in |in  in  in |403 403
GET    video                |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    video_play           |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    video_paths          |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    video_json           |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    video_csv            |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    video_vtt            |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   video_enroll         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   video_delete         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_again          |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_enroll         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_people         |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_people         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_decision       |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_similar        |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_similar?identity|in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    probe_similar_csv    |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    galleries            |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    gallery_new          |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   gallery_new          |in |403 302 302 302|403 302 302 302|in  in  in |in  in  in |403 403
GET    gallery              |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_settings     |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_settings     |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_scoring      |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_delete       |in |403 403 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_limits       |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_limits       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    unnamed              |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   unnamed              |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   probe_keep           |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    hygiene              |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   hygiene              |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   finding_dismiss      |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_import       |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_import       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_new         |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_new         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity             |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_images      |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    identity_edit        |in |403 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_edit        |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   identity_erase       |in |403 403 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   image_delete         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    review               |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
POST   image_decide         |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   review_undo          |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_names        |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    import_run           |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    import_items_csv     |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404

# training, and what it leads to. The run of the world has neither files nor curves yet; the model
# that is asked for is the gallery's own, which is a conflict.
GET    api_recipes          |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
GET    api_training_runs    |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
POST   api_training_runs    |401|403 202 202 202|403 404 404 404|403 403 403|403 403 403|403 403
GET    api_training_run     |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
DELETE api_training_run     |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_training_resume  |401|403 202 202 202|404 404 404 404|403 403 403|404 404 404|404 404
GET    api_training_file    |401|404 404 404 404|404 404 404 404|404 403 403|404 404 404|404 404
GET    api_gallery_model    |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
POST   api_gallery_model    |401|403 403 409 409|404 404 404 404|403 403 403|404 404 404|404 404
GET    training_runs        |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    training_new         |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   training_new         |in |403 302 302 302|403 404 404 404|in  in  in |in  in  in |403 403
GET    training_compare     |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    training_run         |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    training_live        |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    training_plot        |in |404 404 404 404|404 404 404 404|in  in  in |in  in  in |404 404
GET    training_file        |in |404 404 404 404|404 404 404 404|in  in  in |in  in  in |404 404
POST   training_resume      |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   training_notes       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   training_delete      |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    gallery_model        |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_model        |in |403 403 409 409|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_model_clean_up|in |403 403 409 409|404 404 404 404|in  in  in |in  in  in |404 404

# datasets and evaluations
GET    api_datasets         |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
POST   api_datasets|401|403 201 201 201|403 404 404 404|403 403 403 201|403 403 403 404|403 403
GET    api_dataset          |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
DELETE api_dataset          |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
GET    api_dataset_csv|401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_dataset_parquet|401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_evaluations      |401|200 200 200 200|200 200 200 200|200 403 403|200 403 403|403 403
POST   api_evaluations|401|403 202 202 202|403 404 404 404|403 403 403 202|403 403 403 404|403 403
GET    api_evaluation       |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
DELETE api_evaluation       |401|403 204 204 204|404 404 404 404|403 403 403|404 404 404|404 404
POST   api_evaluation_cancel|401|403 409 409 409|404 404 404 404|403 403 403 409|404 404 404|404 404
GET    api_evaluation_pairs |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_evaluation_pairs_size|401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_evaluation_report|401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
GET    api_threshold        |401|200 200 200 200|404 404 404 404|200 403 403|404 404 404|404 404
PUT    api_threshold        |401|403 200 200 200|404 404 404 404|403 403 403 200|404 404 404|404 404
DELETE api_threshold        |401|403 204 204 204|404 404 404 404|403 403 403 204|404 404 404|404 404
GET    datasets             |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    dataset_new          |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   dataset_new          |in |403 302 302 302|403 404 404 404|in  in  in |in  in  in |403 403
GET    dataset              |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   dataset_delete       |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    dataset_manifest_csv |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    dataset_manifest_parquet|in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluations          |in |200 200 200 200|200 200 200 200|in  in  in |in  in  in |403 403
GET    evaluation_new       |in |403 200 200 200|403 200 200 200|in  in  in |in  in  in |403 403
POST   evaluation_new       |in |403 302 302 302|403 404 404 404|in  in  in |in  in  in |403 403
GET    evaluation           |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_compare   |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |403 403
GET    evaluation_pairs     |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_pairs_file|in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   evaluation_delete    |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   evaluation_apply     |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
POST   evaluation_label     |in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_json      |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_csv       |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_pdf       |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
GET    evaluation_figures   |in |200 200 200 200|404 404 404 404|in  in  in |in  in  in |404 404
POST   gallery_threshold_reset|in |403 302 302 302|404 404 404 404|in  in  in |in  in  in |404 404
"""


def _four_keys(group: list[str]) -> list[str]:
    """Return a group of three keys with the fourth."""
    if len(group) != 3:
        return group
    return [*group, max(group, key=group.count)]


def _parse(table: str) -> dict[tuple[str, str], dict[str, str]]:
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for line in table.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        head, *groups = line.split("|")
        method, name = head.split()
        cells = [cell for group in groups for cell in _four_keys(group.split())]
        assert len(cells) == len(COLUMNS), line
        assert (method, name) not in rows, line
        rows[method, name] = dict(zip(COLUMNS, cells, strict=True))
    return rows


MATRIX = _parse(_TABLE + ADMIN_TABLE)
"""Method and address (with its way to ask) -> column -> expected status."""
