"""Typed errors of the vision engine.

Every error carries a stable `code` for programs and a `detail` for people. Services translate the
code into an HTTP status; nothing in this package knows about HTTP.
"""


class VisionError(Exception):
    """Base of everything this package raises on purpose.

    `code` is fixed per class; `detail` is one readable sentence without personal data.
    """

    code = "vision_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


# --- reading a picture -------------------------------------------------------------------------


class ImageError(VisionError):
    """The bytes cannot be used as a picture."""

    code = "image_error"


class FileEmpty(ImageError):
    """Zero bytes."""

    code = "file_empty"


class FileTooLarge(ImageError):
    """More bytes than the limit."""

    code = "file_too_large"


class UnsupportedMedia(ImageError):
    """Not one of the accepted formats, judged by content."""

    code = "unsupported_media"


class ImageTooManyPixels(ImageError):
    """More pixels than the limit, or more than memory allows."""

    code = "image_too_many_pixels"


class ImageDimensions(ImageError):
    """A side is too short or too long, or the picture is too narrow."""

    code = "image_dimensions"


class ImageTruncated(ImageError):
    """The file ends before the picture does."""

    code = "image_truncated"


class ImageCorrupt(ImageError):
    """The file breaks the rules of its own format."""

    code = "image_corrupt"


class AnimatedImage(ImageError):
    """More than one frame: which of them is meant is not ours to guess."""

    code = "animated_image"


# --- faces -------------------------------------------------------------------------------------


class FaceError(VisionError):
    """The picture was read, but its faces do not allow what was asked."""

    code = "face_error"


class NoFaceFound(FaceError):
    """No face at or above the detector's minimum size."""

    code = "no_face"


class FaceTooSmall(FaceError):
    """The only face is smaller than the quality limits allow."""

    code = "face_too_small"


class MultipleFaces(FaceError):
    """Several faces where exactly one was asked for."""

    code = "multiple_faces"


# --- models ------------------------------------------------------------------------------------


class ModelError(VisionError):
    """A network cannot be used."""

    code = "model_error"


class ModelUnavailable(ModelError):
    """The weights are not here and could not be fetched, or nothing was prepared yet."""

    code = "model_unavailable"


class ModelDamaged(ModelError):
    """A file of the model does not have the checksum it must have."""

    code = "model_damaged"


class EngineRefused(ModelError):
    """An engine does not reproduce the stored embeddings, or cannot run here."""

    code = "engine_refused"


class UnknownBackbone(ModelError):
    """No registry entry of this name."""

    code = "unknown_backbone"


class CalibrationMissing(ModelError):
    """The backbone has no calibration file."""

    code = "calibration_missing"


# --- reading in a process of its own -----------------------------------------------------------


class DecoderCrashed(VisionError):
    """The process that read the file died, or had to be ended, while it did so."""

    code = "decoder_crashed"


class DecoderUnavailable(VisionError):
    """No process to read files in can be started here now; the file is not to blame."""

    code = "decoder_unavailable"


class ArchiveError(VisionError):
    """The bytes cannot be used as an archive, or an entry of it as a file."""

    code = "archive_error"


class ArchiveCorrupt(ArchiveError):
    """The archive, or one entry, breaks the rules of its own format."""

    code = "archive_corrupt"


class ArchiveUnsupported(ArchiveError):
    """Another kind of archive than zip."""

    code = "unsupported_media"


class ArchiveMethod(ArchiveError):
    """Packed in another way than stored or deflated."""

    code = "archive_method"


class ArchiveEncrypted(ArchiveError):
    """Protected by a password."""

    code = "archive_encrypted"


class ArchiveEntries(ArchiveError):
    """More entries than the limit."""

    code = "archive_entries"
