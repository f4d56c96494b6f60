"""What this app counts for `/metrics`."""

from faceplatform.core.metrics import Counter, Histogram

IMAGES = Counter(
    "faceplatform_images_analysed", "Photos in which faces were looked for.", ("model",)
)
FACES = Counter("faceplatform_faces_analysed", "Faces found and embedded.", ("model",))
REPLICA_SEARCHES = Counter(
    "faceplatform_replica_searches",
    "Searches that a replica was asked for; used says whether it was up to date.",
    ("used",),
)
SEARCH_SECONDS = Histogram(
    "faceplatform_search_duration_seconds",
    "Time of one search through a gallery's templates in the database.",
    bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
