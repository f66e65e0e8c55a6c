/* The geometry of convolutions, the two parts of their weights, and the columns that a tap
   reaches. */

typedef struct {
    int32_t cin, ih, iw, cout, oh, ow, kh, kw, sy, sx, py, px, dy, dx, groups;
} kl_geometry;

/* One part of the weights, (cout, count, kh, kw), and its input channels: 0, 1, ... if the table is
   null. */
typedef struct {
    const int8_t *weights;
    const uint16_t *channels;
    int32_t count;
} kl_part;

typedef struct {
    int32_t from, to;
} kl_span;

/* Return the output columns within from..to whose tap kx is inside the input. */
static inline kl_span kl_columns(const kl_geometry *g, int32_t kx, int32_t from, int32_t to)
{
    const int32_t left = kx * g->dx - g->px;
    const int32_t first = left < 0 ? (-left + g->sx - 1) / g->sx : 0;
    const int32_t last = left < g->iw ? (g->iw - 1 - left) / g->sx + 1 : 0;
    kl_span span;
    span.from = first > from ? first : from;
    span.to = last < to ? last : to;
    return span;
}

/* Return whether each output pixel depends on one input pixel only. */
static inline int kl_pointwise(const kl_geometry *g)
{
    return g->kh * g->kw * g->sy * g->sx == 1 && (g->py | g->px) == 0 && g->oh == g->ih &&
           g->ow == g->iw;
}
