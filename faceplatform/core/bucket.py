"""A bucket that answers for a missing file as a folder does."""

import datetime as dt

from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage


class BucketStorage(S3Storage):  # type: ignore[misc] # no types
    """S3, or anything that speaks it. An object is complete as soon as its name exists."""

    def get_modified_time(self, name: str) -> dt.datetime:
        """Return when the object was written; FileNotFoundError if there is none."""
        try:
            found: dt.datetime = super().get_modified_time(name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(name) from error
            raise
        return found
