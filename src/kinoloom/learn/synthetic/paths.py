"""Motion of a layer: its position on the canvas at any time between 0 and 1.

A layer is a plane with coordinates y, in pixels from its centre; the canvas has coordinates x, in
pixels from its own. At time t the layer is mapped to

    x = p(t) + R(t) S(t) y / (1 + g(t) . y)          translation, rotation, scale, shear, tilt

after a deformation y + c(t) e(y), where e is a sum of plane waves. Rendering inverts this: y
follows from x in closed form, and the texture is sampled at u = y + c(t) e(y). The forward
direction solves that last equation iteratively (`warps`). All parameters follow phi(t) = t + k
t(1-t) (k = 0: constant speed), and the centre may leave its straight path by b t(1-t).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

WAVES = 3
_MAX_ROTATION_RAD, _MAX_LOG_SCALE, _MAX_SHEAR, _MAX_TILT = np.pi / 3, 0.4, 0.3, 0.12
_MAX_STRAIN = 0.3
"""Of the deformation. Below 1 it is invertible, and each iteration reduces the error by it."""


@dataclass(frozen=True)
class Motion:
    """The motion of one layer; see the module docstring.

    Attributes:
        centre: (2,) position on the canvas halfway, in pixels.
        translation: (2,) of the centre from time 0 to 1, in pixels.
        path_bend: (2,) b, in pixels.
        pose: (5,) halfway: angle in radians, log of the scale, shear, tilt g in 1 / px.
        pose_change: (5,) change of the pose from time 0 to 1.
        acceleration: k, from -1 to 1.
        waves: (WAVES, 5) of e: wave vector in radians / px, phase, amplitude in pixels.
    """

    centre: Vector
    translation: Vector
    path_bend: Vector
    pose: Vector
    pose_change: Vector
    acceleration: float
    waves: Vector

    def matrices(self, times: Vector) -> Vector:
        """Return the homographies from the undeformed layer to the canvas at n times, (n, 3, 3)."""
        progress = self._progress(times)[:, None]
        angle, log_scale, shear, tilt_x, tilt_y = (self.pose + progress * self.pose_change).T
        path = (
            self.centre
            + progress * self.translation
            + (times * (1 - times))[:, None] * self.path_bend
        )
        cos, sin, scale = np.cos(angle), np.sin(angle), np.exp(log_scale)
        linear = np.zeros((len(times), 3, 3))
        linear[:, 0, 0], linear[:, 0, 1] = scale * cos, scale * (shear * cos - sin)
        linear[:, 1, 0], linear[:, 1, 1] = scale * sin, scale * (shear * sin + cos)
        linear[:, 2, 0], linear[:, 2, 1], linear[:, 2, 2] = tilt_x, tilt_y, 1.0
        shift = np.tile(np.eye(3), (len(times), 1, 1))
        shift[:, :2, 2] = path
        return np.asarray(shift @ linear)

    def deformation(self, times: Vector) -> Vector:
        """Return c(t) at n times, (n,): 0 halfway, increasing by 1 from time 0 to time 1."""
        return self._progress(times)

    def _progress(self, times: Vector) -> Vector:
        return np.asarray(times + self.acceleration * times * (1 - times) - 0.5)


@dataclass(frozen=True)
class MotionOptions:
    """The distribution of motions.

    Attributes:
        min_px, max_px: range of a layer's displacement from time 0 to 1, which is log-uniform.
        still: share of layers that do not move.
        translated_only: share of the moving layers that are only translated.
        accelerated: share of layers with a change of speed or direction.
        deformed: share of deformed layers.
    """

    min_px: float = 0.5
    max_px: float = 160.0
    still: float = 0.05
    translated_only: float = 0.3
    accelerated: float = 0.3
    deformed: float = 0.25


def draw_motion(
    rng: np.random.Generator,
    options: MotionOptions,
    centre: Vector,
    radius_px: float,
    max_angle_rad: float,
) -> Motion:
    """Draw a motion.

    Rotation, scale, shear, tilt and deformation take a part of the displacement, so that the edge
    of a layer moves about as far as its centre.

    Args:
        rng: decides everything.
        options: distribution of motions.
        centre: (2,) of the layer halfway, in pixels from the centre of the canvas.
        radius_px: of the visible part of the layer.
        max_angle_rad: maximum angle of the layer halfway.
    """
    distance_px = np.exp(rng.uniform(np.log(options.min_px), np.log(options.max_px)))
    distance_px *= rng.random() >= options.still
    translated = 1.0 if rng.random() < options.translated_only else rng.uniform(0.3, 1.0)
    parts = rng.dirichlet(np.ones(5)) * rng.choice([-1.0, 1.0], 5) * (1 - translated) * distance_px
    heading = rng.uniform(-np.pi, np.pi)
    direction = np.array([np.cos(heading), np.sin(heading)])
    normal = np.array([-direction[1], direction[0]])
    is_accelerated = rng.random() < options.accelerated
    acceleration = rng.uniform(-0.5, 0.5) * is_accelerated
    path_bend = normal * rng.uniform(-0.5, 0.5) * translated * distance_px * is_accelerated
    is_deformed = rng.random() < options.deformed
    waves = _draw_waves(rng, radius_px, abs(parts[4]) * is_deformed)
    limits = np.array([_MAX_ROTATION_RAD, _MAX_LOG_SCALE, _MAX_SHEAR, _MAX_TILT / radius_px])
    pose_change = np.clip(
        parts[:4] / [radius_px, radius_px, radius_px, radius_px**2], -limits, limits
    )
    tilt_heading = rng.uniform(-np.pi, np.pi)
    tilt = np.array([np.cos(tilt_heading), np.sin(tilt_heading)])
    return Motion(
        centre=centre,
        translation=direction * translated * distance_px,
        path_bend=path_bend,
        pose=np.array(
            [
                rng.uniform(-max_angle_rad, max_angle_rad),
                rng.uniform(-0.2, 0.2),
                rng.uniform(-0.1, 0.1),
                *(rng.uniform(-0.1, 0.1, 2) / radius_px),
            ]
        ),
        pose_change=np.array([*pose_change[:3], *(pose_change[3] * tilt)]),
        acceleration=float(acceleration),
        waves=waves,
    )


def _draw_waves(rng: np.random.Generator, radius_px: float, amplitude_px: float) -> Vector:
    """Draw waves of about `amplitude_px`, less where that would fold the layer."""
    length = radius_px * np.exp(rng.uniform(np.log(0.7), np.log(3.0), WAVES))
    heading, push = rng.uniform(-np.pi, np.pi, (2, WAVES))
    wave_number = 2 * np.pi / length
    share = rng.dirichlet(np.ones(WAVES)) * amplitude_px
    # |c(t)| is at most 1/2.
    strain = 0.5 * float((share * wave_number).sum())
    share = share * min(1.0, _MAX_STRAIN / max(strain, 1e-9))
    return np.stack(
        [
            wave_number * np.cos(heading),
            wave_number * np.sin(heading),
            rng.uniform(-np.pi, np.pi, WAVES),
            share * np.cos(push),
            share * np.sin(push),
        ],
        axis=1,
    )
