/* A textbook int8 convolution: copy windows to columns, multiply matrices, requantise. Compiled with
   -O3 it is the reference of `tiny_speed`. Channels of a group are contiguous. */
#include <stdint.h>

typedef struct {
    int32_t cin, ih, iw, cout, oh, ow, kh, kw, sy, sx, py, px, dy, dx, groups;
} geometry;

/* Store the columns (fan in, pixels) of a group, minus the zero point. */
static void im2col(const geometry *g, const int8_t *x, int32_t zero, int32_t group, int16_t *columns)
{
    const int32_t ins = g->cin / g->groups, pixels = g->oh * g->ow;
    for (int32_t ci = 0; ci < ins; ci++) {
        const int8_t *plane = x + (group * ins + ci) * g->ih * g->iw;
        for (int32_t k = 0; k < g->kh * g->kw; k++) {
            int16_t *to = columns + (ci * g->kh * g->kw + k) * pixels;
            for (int32_t oy = 0; oy < g->oh; oy++) {
                const int32_t iy = oy * g->sy - g->py + k / g->kw * g->dy;
                for (int32_t ox = 0; ox < g->ow; ox++) {
                    const int32_t ix = ox * g->sx - g->px + k % g->kw * g->dx;
                    const int inside = iy >= 0 && iy < g->ih && ix >= 0 && ix < g->iw;
                    to[oy * g->ow + ox] = (int16_t)(inside ? plane[iy * g->iw + ix] - zero : 0);
                }
            }
        }
    }
}

static int8_t requantise(int32_t sum, int32_t multiplier, uint8_t shift, const int32_t *range)
{
    const int64_t product = (int64_t)sum * multiplier, half = (int64_t)1 << (shift - 1);
    const int64_t size = ((product < 0 ? -product : product) + half) >> shift;
    const int64_t v = (product < 0 ? -size : size) + range[0];
    return (int8_t)(v < range[1] ? range[1] : v > range[2] ? range[2] : v);
}

/* range: zero point, low and high of the result; sums (pixels) and columns are scratch memory. */
void conv(const geometry *g, const int8_t *x, int32_t x_zero, const int8_t *weights,
          const int32_t *bias, const int32_t *multipliers, const uint8_t *shifts,
          const int32_t *range, int8_t *y, int16_t *columns, int32_t *sums)
{
    const int32_t outs = g->cout / g->groups, pixels = g->oh * g->ow;
    const int32_t fan_in = g->cin / g->groups * g->kh * g->kw;
    for (int32_t group = 0; group < g->groups; group++) {
        im2col(g, x, x_zero, group, columns);
        for (int32_t co = group * outs; co < (group + 1) * outs; co++) {
            for (int32_t p = 0; p < pixels; p++) {
                sums[p] = bias[co];
            }
            for (int32_t k = 0; k < fan_in; k++) {
                const int32_t weight = weights[co * fan_in + k];
                for (int32_t p = 0; p < pixels; p++) {
                    sums[p] += weight * columns[k * pixels + p];
                }
            }
            for (int32_t p = 0; p < pixels; p++) {
                y[co * pixels + p] = requantise(sums[p], multipliers[co], shifts[co], range);
            }
        }
    }
}
