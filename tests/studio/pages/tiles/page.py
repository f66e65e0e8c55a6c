"""Live pictures: 15 a second are made, the newest is sent at most ten times a second."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kinoloom.base.options import option
from kinoloom.base.page import Blob, Context, Page, call

RATE = 15


@dataclass(frozen=True)
class PictureOptions:
    """Which picture."""

    after: int = option(-1, "Number of the picture that is shown", low=-1)


@call(cost="model")
def newest(context: Context, options: PictureOptions) -> Blob:
    """Return the newest picture as soon as it is another one than the shown one."""
    import cv2
    import numpy as np

    while (number := int(time.time() * RATE)) <= options.after and not context.cancelled():
        time.sleep(0.005)
    image = np.full((180, 320, 3), 40, np.uint8)
    cv2.putText(image, str(number), (20, 100), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    _, data = cv2.imencode(".jpg", image)
    return Blob(data.tobytes(), "image/jpeg", (("number", str(number)),))


PAGE = Page(
    name="tiles",
    title="Tiles",
    icon="live",
    summary="Live pictures",
    module="tiles:client/tiles.js",
    calls={"newest": "tiles.page:newest"},
    order=340,
)
