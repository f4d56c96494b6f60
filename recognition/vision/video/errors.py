"""Why a video cannot be used."""

from recognition.vision.errors import VisionError


class VideoError(VisionError):
    """The bytes cannot be used as a video."""

    code = "video_error"


class VideoUnsupported(VideoError):
    """A playlist or another kind of file that is no video by itself."""

    code = "unsupported_media"


class VideoCorrupt(VideoError):
    """The file cannot be opened as a video, or breaks the rules of its own format."""

    code = "video_corrupt"


class VideoNoStream(VideoError):
    """There is sound, or a cover picture, but no moving picture."""

    code = "video_no_video_stream"


class VideoNoFrames(VideoError):
    """The file opens, and not one picture can be read from it."""

    code = "video_no_frames"


class VideoDimensions(VideoError):
    """More pixels than the limit."""

    code = "video_dimensions"


class VideoTooLong(VideoError):
    """A longer time than the limit."""

    code = "video_too_long"
