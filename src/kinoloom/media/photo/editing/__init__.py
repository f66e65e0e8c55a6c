"""Photo to photo: open a photo, replace its pixels, and write it back with everything else kept.

    photo = open_photo(path)
    save_photo(photo, enhance(photo.picture), out, metadata="no-location")

The picture is float32 in the colour space of the file; the output has its format, depth, colour
profile and metadata. `PhotoTree` mirrors whole folders.
"""

from kinoloom.media.photo.editing.blocks import Metadata
from kinoloom.media.photo.editing.opening import EditablePhoto, open_photo
from kinoloom.media.photo.editing.saving import SavedPhoto, choose_format, save_photo
from kinoloom.media.photo.editing.trees import (
    Failure,
    PhotoTree,
    TreePhoto,
    TreeReport,
    find_photos,
    read_key,
)

__all__ = [
    "EditablePhoto",
    "Failure",
    "Metadata",
    "PhotoTree",
    "SavedPhoto",
    "TreePhoto",
    "TreeReport",
    "choose_format",
    "find_photos",
    "open_photo",
    "read_key",
    "save_photo",
]
