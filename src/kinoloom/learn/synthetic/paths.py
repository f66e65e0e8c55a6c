"""How a layer moves: its place on the canvas at any time between 0 and 1.

A layer is a plane with coordinates y in pixels from its centre; the canvas has coordinates x in
pixels from its own. At time t the layer lies at

    x = p(t) + R(t) S(t) y / (1 + g(t) . y)          translation, rotation, scale, shear, tilt

and before that bends by y + c(t) e(y), where e is a sum of plane waves. What is drawn at a point
of the layer is found by going back: y from x in closed form, then u = y + c(t) e(y). The way
forth solves that last equation (`warps`). Everything changes with one pace phi(t) = t + k t(1-t)
(k = 0: even speed), and the centre may leave its straight line by b t(1-t).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

WAVES = 3
_MOST_TURN_RAD, _MOST_GROWTH, _MOST_SHEAR, _MOST_TILT = np.pi / 3, 0.4, 0.3, 0.12
_MOST_STRAIN = 0.3
"""Of the bending: below 1 it can be undone, and each step of undoing shrinks the error by it."""


@dataclass(frozen=True)
class Motion:
    """The motion of one layer; see the head of this module.

    Attributes:
        centre: (2,) of the layer on the canvas halfway, in pixels.
        shift: (2,) of the centre from time 0 to 1, in pixels.
        bend: (2,) b, in pixels.
        pose: (5,) halfway: angle in radians, log of the scale, shear, tilt g in 1 / px.
        turn: (5,) change of the pose from time 0 to 1.
        pace: k, from -1 to 1.
        waves: (WAVES, 5) of e: wave vector in radians / px, phase, amplitude in pixels.
    """

    centre: Vector
    shift: Vector
    bend: Vector
    pose: Vector
    turn: Vector
    pace: float
    waves: Vector

    def matrices(self, times: Vector) -> Vector:
        """(n, 3, 3): from the layer (not bent) to the canvas at n times."""
        moved = self._moved(times)[:, None]
        angle, growth, shear, tilt_x, tilt_y = (self.pose + moved * self.turn).T
        path = self.centre + moved * self.shift + (times * (1 - times))[:, None] * self.bend
        cos, sin, scale = np.cos(angle), np.sin(angle), np.exp(growth)
        place = np.zeros((len(times), 3, 3))
        place[:, 0, 0], place[:, 0, 1] = scale * cos, scale * (shear * cos - sin)
        place[:, 1, 0], place[:, 1, 1] = scale * sin, scale * (shear * sin + cos)
        place[:, 2, 0], place[:, 2, 1], place[:, 2, 2] = tilt_x, tilt_y, 1.0
        there = np.tile(np.eye(3), (len(times), 1, 1))
        there[:, :2, 2] = path
        return np.asarray(there @ place)

    def bending(self, times: Vector) -> Vector:
        """(n,) c(t): 0 halfway, and 1 more at the end than at the beginning."""
        return self._moved(times)

    def _moved(self, times: Vector) -> Vector:
        return np.asarray(times + self.pace * times * (1 - times) - 0.5)


@dataclass(frozen=True)
class MotionOptions:
    """What motions are drawn.

    Attributes:
        min_px, most_px: range of the displacement of a layer from time 0 to 1, which is
            log-uniform.
        still: share of layers that do not move at all.
        shifted_only: share of the moving ones that are only translated.
        accelerated: share whose pace or direction changes.
        bent: share that bends.
    """

    min_px: float = 0.5
    most_px: float = 160.0
    still: float = 0.05
    shifted_only: float = 0.3
    accelerated: float = 0.3
    bent: float = 0.25


def draw_motion(
    rng: np.random.Generator, options: MotionOptions, centre: Vector, radius_px: float, spin: float
) -> Motion:
    """Draw a motion.

    Rotation, growth, shear, tilt and bending take a part of the displacement: a layer that moves
    little also turns little, so that its rim, too, moves about as far as was drawn.

    Args:
        rng: decides everything.
        options: what may be drawn.
        centre: (2,) of the layer halfway, in pixels from the canvas' centre.
        radius_px: of what is seen of the layer.
        spin: the largest angle by which it is turned halfway, in radians.
    """
    far = np.exp(rng.uniform(np.log(options.min_px), np.log(options.most_px)))
    far *= rng.random() >= options.still
    straight = 1.0 if rng.random() < options.shifted_only else rng.uniform(0.3, 1.0)
    parts = rng.dirichlet(np.ones(5)) * rng.choice([-1.0, 1.0], 5) * (1 - straight) * far
    ahead = rng.uniform(-np.pi, np.pi)
    direction = np.array([np.cos(ahead), np.sin(ahead)])
    across = np.array([-direction[1], direction[0]])
    hurries = rng.random() < options.accelerated
    pace = rng.uniform(-0.5, 0.5) * hurries
    bend = across * rng.uniform(-0.5, 0.5) * straight * far * hurries
    bends = rng.random() < options.bent
    waves = _draw_waves(rng, radius_px, abs(parts[4]) * bends)
    most = np.array([_MOST_TURN_RAD, _MOST_GROWTH, _MOST_SHEAR, _MOST_TILT / radius_px])
    turn = np.clip(parts[:4] / [radius_px, radius_px, radius_px, radius_px**2], -most, most)
    lean = rng.uniform(-np.pi, np.pi)
    tilt = np.array([np.cos(lean), np.sin(lean)])
    return Motion(
        centre=centre,
        shift=direction * straight * far,
        bend=bend,
        pose=np.array(
            [
                rng.uniform(-spin, spin),
                rng.uniform(-0.2, 0.2),
                rng.uniform(-0.1, 0.1),
                *(rng.uniform(-0.1, 0.1, 2) / radius_px),
            ]
        ),
        turn=np.array([*turn[:3], *(turn[3] * tilt)]),
        pace=float(pace),
        waves=waves,
    )


def _draw_waves(rng: np.random.Generator, radius_px: float, amplitude_px: float) -> Vector:
    """Waves that move points by about `amplitude_px`, less where that would fold the layer."""
    length = radius_px * np.exp(rng.uniform(np.log(0.7), np.log(3.0), WAVES))
    ahead, push = rng.uniform(-np.pi, np.pi, (2, WAVES))
    number = 2 * np.pi / length
    share = rng.dirichlet(np.ones(WAVES)) * amplitude_px
    # The bending is at most half of what it changes by: c(t) lies within -1/2 and 1/2.
    strain = 0.5 * float((share * number).sum())
    share = share * min(1.0, _MOST_STRAIN / max(strain, 1e-9))
    return np.stack(
        [
            number * np.cos(ahead),
            number * np.sin(ahead),
            rng.uniform(-np.pi, np.pi, WAVES),
            share * np.cos(push),
            share * np.sin(push),
        ],
        axis=1,
    )
