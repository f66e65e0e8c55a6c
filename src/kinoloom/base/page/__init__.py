"""Pages of the studio: what a subject, or a package of a third party, declares to add one.

    PAGE = Page(
        name="film", title="Film", icon="film", summary="Interpolate frames of photos and video",
        module="kinoloom.film:studio/film.js",
        calls={"middle": "kinoloom.film.studio:middle"},
    )

    @call(cost="model")
    def middle(context: Context, options: MiddleOptions) -> Blob:
        \"\"\"Return the frame halfway between two photos.\"\"\"

A page is listed in a package's `entries.py`, or by the entry point group `kinoloom.pages`. The
studio finds it there, serves its module and runs its calls, feeds and documents. Nothing here
imports more than the standard library.
"""

from kinoloom.base.page.calls import Call, Feed, call, feed
from kinoloom.base.page.context import Context, Person, Role, StartedJob
from kinoloom.base.page.documents import Document
from kinoloom.base.page.page import Page
from kinoloom.base.page.values import Blob

__all__ = [
    "Blob",
    "Call",
    "Context",
    "Document",
    "Feed",
    "Page",
    "Person",
    "Role",
    "StartedJob",
    "call",
    "feed",
]
