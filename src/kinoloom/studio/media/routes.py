"""All routes of the media service."""

from __future__ import annotations

from kinoloom.studio.media import files, pictures, playable, sounds

ROUTES = [*files.ROUTES, *pictures.ROUTES, *sounds.ROUTES, *playable.ROUTES]
