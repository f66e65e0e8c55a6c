"""Photo to photo: open a photo, replace its pixels, and write it back with everything else kept.

    photo = open_photo(path)
    save_photo(photo, enhance(photo.picture), out, metadata="no-location")

The picture is float32 in the colour space of the file; the output has its format, depth, colour
profile and metadata. For whole folders, `open_each_photo` returns a clip, `edit_photos` edits it,
and `write_photos` writes a folder like theirs.
"""

from kinoloom.media.photo.editing.blocks import Metadata
from kinoloom.media.photo.editing.clips import EditedPhoto, edit_photos, open_each_photo
from kinoloom.media.photo.editing.opening import EditablePhoto, open_photo
from kinoloom.media.photo.editing.saving import SavedPhoto, choose_format, save_photo
from kinoloom.media.photo.editing.trees import (
    Failure,
    PhotoTree,
    TreePhoto,
    TreeReport,
    list_photos,
    plan_tree,
    read_key,
)
from kinoloom.media.photo.editing.writing import write_photos

__all__ = [
    "EditablePhoto",
    "EditedPhoto",
    "Failure",
    "Metadata",
    "PhotoTree",
    "SavedPhoto",
    "TreePhoto",
    "TreeReport",
    "choose_format",
    "edit_photos",
    "list_photos",
    "open_each_photo",
    "open_photo",
    "plan_tree",
    "read_key",
    "save_photo",
    "write_photos",
]
