"""Keeping the stored threshold in step with the gallery."""

from recognition.models import Gallery
from recognition.selectors.thresholds import basis_of, threshold_for_size


def refresh_threshold(gallery: Gallery, *, anew: bool = False) -> None:
    """Store the threshold if the gallery's size asks for another one, or `anew` in any case."""
    basis = basis_of(gallery)
    known = basis == gallery.default_threshold_templates and gallery.default_threshold is not None
    if known and not anew:
        return
    info = threshold_for_size(gallery, basis)
    Gallery.objects.filter(pk=gallery.pk).update(
        default_threshold=info.value, default_threshold_templates=basis
    )
    gallery.default_threshold = info.value
    gallery.default_threshold_templates = basis
