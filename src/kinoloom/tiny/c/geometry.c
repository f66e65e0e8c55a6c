/* Convolutions: their sizes, their weights in two parts, and which columns a tap reaches. */

typedef struct {
    int32_t cin, ih, iw, cout, oh, ow, kh, kw, sy, sx, py, px, dy, dx, groups;
} kl_geometry;

/* Input channels of one part: weights (cout, count, kh, kw); channels 0, 1, ... when no table. */
typedef struct {
    const int8_t *weights;
    const uint16_t *channels;
    int32_t count;
} kl_part;

typedef struct {
    int32_t from, to;
} kl_span;

/* The output columns within from..to whose tap kx lies inside the input. */
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

/* Whether pixels go one to one and do not see their neighbours. */
static inline int kl_pointwise(const kl_geometry *g)
{
    return g->kh * g->kw * g->sy * g->sx == 1 && (g->py | g->px) == 0 && g->oh == g->ih &&
           g->ow == g->iw;
}
