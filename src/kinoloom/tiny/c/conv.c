/* needs: base geometry rows */
/* The forward pass of convolutions and linear layers. */

#define KL_STRIP 64

typedef struct {
    kl_geometry geometry;
    kl_part frozen, trained;
    const int32_t *bias;
    const int32_t *multipliers;
    const uint8_t *shifts;
    const float *factors;
    int32_t x_zero, y_zero, low, high;
} kl_conv;

/* The layout of the rows of an array that starts with channel `first`. In a ring buffer, row y is
   stored at y modulo `rows`. */
typedef struct {
    int32_t first, plane, row, rows;
} kl_lines;

/* Return the offset of row y of channel c. */
static inline int32_t kl_line(const kl_lines *l, int32_t c, int32_t y)
{
    return (c - l->first) * l->plane + y % l->rows * l->row;
}

/* The computation of rows r0..r1 of output channels c0..c1. */
typedef struct {
    const int8_t *x;
    int8_t *y;
    uint8_t *mask; /* of the whole output */
    kl_lines of_x, of_y;
    int32_t c0, c1, r0, r1;
} kl_piece;

/* The sums of n columns from ox0 of row oy of output channel co, and of the next channel unless
   `second` is null. */
typedef struct {
    const int8_t *x;
    const kl_lines *lines; /* of x */
    int32_t co, oy, ox0, n;
    int32_t *first, *second;
} kl_strip;

/* Add the products of a pair of inputs to columns from..to; sx is the stride. */
static inline void kl_strip_pair(const kl_strip *s, const kl_pair *p, int32_t sx, int32_t from,
                                 int32_t to)
{
    int32_t *first = s->first + (from - s->ox0), *second = s->second;
    if (second) {
        second += from - s->ox0;
    }
    if (sx == 1) {
        kl_pair_row(p, to - from, first, second);
        return;
    }
    const kl_pair q = *p;
    for (int32_t j = 0; j < to - from; j++) {
        const int32_t a = q.x0[j * sx], b = q.x1[j * sx];
        first[j] += q.first[0] * a + q.first[1] * b;
        if (second) {
            second[j] += q.second[0] * a + q.second[1] * b;
        }
    }
}

/* Add the products of all channels of a part at one tap; w points to the weight of the first
   channel, `row` to the input row of channel `base` at the tap. */
static void kl_conv_tap(const kl_conv *d, const kl_part *part, const kl_strip *s, const int8_t *w,
                        const int8_t *row, kl_span span)
{
    const kl_geometry *g = &d->geometry;
    const int32_t taps = g->kh * g->kw, plane = s->lines->plane;
    const int8_t *v = s->second ? w + part->count * taps : w;
    int32_t total = 0, other = 0;
    for (int32_t j = 0; j < part->count; j += 2) {
        const int32_t both = j + 1 < part->count, k = j + both;
        kl_pair p;
        p.x0 = row + (part->channels ? (int32_t)part->channels[j] : j) * plane;
        p.x1 = row + (part->channels ? (int32_t)part->channels[k] : k) * plane;
        p.first[0] = w[j * taps];
        p.first[1] = both ? w[k * taps] : 0;
        p.second[0] = v[j * taps];
        p.second[1] = both ? v[k * taps] : 0;
        total += p.first[0] + p.first[1];
        other += p.second[0] + p.second[1];
        kl_strip_pair(s, &p, g->sx, span.from, span.to);
    }
    for (int32_t j = span.from - s->ox0; j < span.to - s->ox0; j++) {
        s->first[j] -= d->x_zero * total;
        if (s->second) {
            s->second[j] -= d->x_zero * other;
        }
    }
}

static void kl_conv_part(const kl_conv *d, const kl_part *part, const kl_strip *s)
{
    const kl_geometry *g = &d->geometry;
    const int32_t base = s->co / (g->cout / g->groups) * (g->cin / g->groups);
    if (part->count == 0) {
        return; /* its weights are null */
    }
    const int8_t *w = part->weights + s->co * part->count * g->kh * g->kw;
    for (int32_t ky = 0; ky < g->kh; ky++) {
        const int32_t iy = s->oy * g->sy - g->py + ky * g->dy;
        if (iy < 0 || iy >= g->ih) {
            continue;
        }
        const int8_t *row = s->x + kl_line(s->lines, base, iy);
        for (int32_t kx = 0; kx < g->kw; kx++) {
            const kl_span span = kl_columns(g, kx, s->ox0, s->ox0 + s->n);
            if (span.from < span.to) {
                const int8_t *first = row + (span.from * g->sx + kx * g->dx - g->px);
                kl_conv_tap(d, part, s, w + ky * g->kw + kx, first, span);
            }
        }
    }
}

/* Return the sum of one output pixel of a depthwise convolution at the border of the input. */
static int32_t kl_depthwise_pixel(const kl_conv *d, const kl_strip *s, const int8_t *w, int32_t ox)
{
    const kl_geometry *g = &d->geometry;
    const int32_t left = ox * g->sx - g->px, end = (g->iw - left + g->dx - 1) / g->dx;
    const int32_t first = left < 0 ? (-left + g->dx - 1) / g->dx : 0;
    const int32_t last = end < g->kw ? end : g->kw;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < g->kh; ky++) {
        const int32_t iy = s->oy * g->sy - g->py + ky * g->dy;
        if (iy < 0 || iy >= g->ih) {
            continue;
        }
        const int8_t *row = s->x + kl_line(s->lines, s->co, iy);
        for (int32_t kx = first; kx < last; kx++) {
            sum += w[ky * g->kw + kx] * (row[left + kx * g->dx] - d->x_zero);
        }
    }
    return sum;
}

/* Sum columns from..to, where all taps of a row are inside the input, two taps at a time. */
static void kl_depthwise_inside(const kl_conv *d, const kl_strip *s, const int8_t *w, int32_t from,
                                int32_t to)
{
    const kl_geometry *g = &d->geometry;
    kl_pair p = {0, 0, {0, 0}, {0, 0}};
    int32_t total = 0, taken = 0;
    for (int32_t ky = 0; ky < g->kh; ky++) {
        const int32_t iy = s->oy * g->sy - g->py + ky * g->dy;
        if (iy < 0 || iy >= g->ih) {
            continue;
        }
        const int8_t *row = s->x + kl_line(s->lines, s->co, iy);
        for (int32_t kx = 0; kx < g->kw; kx++) {
            p.x1 = row + (from * g->sx - g->px + kx * g->dx);
            p.first[1] = w[ky * g->kw + kx];
            total += p.first[1];
            if (++taken % 2 == 0) {
                kl_strip_pair(s, &p, g->sx, from, to);
            }
            p.x0 = p.x1;
            p.first[0] = p.first[1];
        }
    }
    if (taken % 2) {
        p.first[1] = 0;
        kl_strip_pair(s, &p, g->sx, from, to);
    }
    for (int32_t j = from - s->ox0; j < to - s->ox0; j++) {
        s->first[j] -= d->x_zero * total;
    }
}

static void kl_depthwise(const kl_conv *d, const kl_strip *s)
{
    const kl_geometry *g = &d->geometry;
    const kl_part *part = d->trained.count ? &d->trained : &d->frozen;
    const int8_t *w = part->weights + s->co * g->kh * g->kw;
    const int32_t end = s->ox0 + s->n;
    int32_t from = kl_columns(g, 0, s->ox0, end).from;
    int32_t to = kl_columns(g, g->kw - 1, s->ox0, end).to;
    if (from < to) {
        kl_depthwise_inside(d, s, w, from, to);
    } else {
        from = to = end;
    }
    for (int32_t ox = s->ox0; ox < end; ox++) {
        ox = ox == from ? to : ox;
        if (ox < end) {
            s->first[ox - s->ox0] += kl_depthwise_pixel(d, s, w, ox);
        }
    }
}

/* Return the sum of a layer with one pixel and one tap: a scalar product. */
static int32_t kl_conv_dot(const kl_conv *d, const kl_part *part, const int8_t *x, int32_t co)
{
    int32_t sum = 0;
    if (part->count == 0) {
        return sum;
    }
    const int8_t *w = part->weights + co * part->count;
    if (part->channels) {
        for (int32_t j = 0; j < part->count; j++) {
            sum += w[j] * (x[part->channels[j]] - d->x_zero);
        }
    } else {
        for (int32_t j = 0; j < part->count; j++) {
            sum += w[j] * (x[j] - d->x_zero);
        }
    }
    return sum;
}

static void kl_conv_sums(const kl_conv *d, const kl_strip *s)
{
    const kl_geometry *g = &d->geometry;
    for (int32_t j = 0; j < s->n; j++) {
        s->first[j] = d->bias[s->co];
        if (s->second) {
            s->second[j] = d->bias[s->co + 1];
        }
    }
    if (g->ih * g->iw * g->kh * g->kw * g->groups == 1) {
        s->first[0] += kl_conv_dot(d, &d->frozen, s->x, s->co);
        s->first[0] += kl_conv_dot(d, &d->trained, s->x, s->co);
    } else if (g->groups == g->cin && g->groups == g->cout && g->groups > 1) {
        kl_depthwise(d, s);
    } else {
        kl_conv_part(d, &d->frozen, s);
        kl_conv_part(d, &d->trained, s);
    }
}

/* Requantise and store a strip; the mask must be cleared first. */
static void kl_conv_store(const kl_conv *d, const kl_piece *p, const kl_strip *s, int32_t co,
                          const int32_t *sums)
{
    const kl_geometry *g = &d->geometry;
    int8_t *row = p->y + (kl_line(&p->of_y, co, s->oy) + s->ox0);
    const int32_t first = (co * g->oh + s->oy) * g->ow + s->ox0;
    const int32_t multiplier = d->multipliers[co], zero = d->y_zero, low = d->low, high = d->high;
    const uint8_t shift = d->shifts[co];
    uint8_t *const mask = p->mask;
    for (int32_t j = 0; j < s->n; j++) {
        const int32_t v = kl_requantise(sums[j], multiplier, shift);
        row[j] = kl_clamp(v + zero, low, high, mask, first + j);
    }
}

/* Compute a piece. Two output channels are summed together if they read the same inputs. */
static void kl_conv_piece(const kl_conv *d, const kl_piece *p)
{
    const kl_geometry *g = &d->geometry;
    const int32_t together = g->groups == 1 && g->ih * g->iw > 1;
    int32_t sums[2][KL_STRIP];
    for (int32_t co = p->c0, two; co < p->c1; co += 1 + two) {
        two = together && co + 1 < p->c1;
        for (int32_t oy = p->r0; oy < p->r1; oy++) {
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                const kl_strip s = {p->x, &p->of_x, co, oy, ox0, n, sums[0], two ? sums[1] : 0};
                kl_conv_sums(d, &s);
                kl_conv_store(d, p, &s, co, sums[0]);
                if (two) {
                    kl_conv_store(d, p, &s, co + 1, sums[1]);
                }
            }
        }
    }
}

/* Return the layout of a contiguous array (channels, rows, columns). */
static inline kl_lines kl_whole(int32_t rows, int32_t columns)
{
    const kl_lines lines = {0, rows * columns, columns, rows};
    return lines;
}

static void kl_conv_forward(const kl_conv *d, const int8_t *x, int8_t *y, uint8_t *mask)
{
    const kl_geometry *g = &d->geometry;
    const kl_piece all = {x, y, mask, kl_whole(g->ih, g->iw), kl_whole(g->oh, g->ow),
                          0, g->cout, 0, g->oh};
    kl_clear_mask(mask, g->cout * g->oh * g->ow);
    kl_conv_piece(d, &all);
}

/* A convolution with float output: the head of a network. */
static void kl_conv_float(const kl_conv *d, const int8_t *x, float *y)
{
    const kl_geometry *g = &d->geometry;
    const kl_lines lines = kl_whole(g->ih, g->iw);
    int32_t sums[KL_STRIP];
    for (int32_t co = 0; co < g->cout; co++) {
        for (int32_t oy = 0; oy < g->oh; oy++) {
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                const kl_strip s = {x, &lines, co, oy, ox0, n, sums, 0};
                kl_conv_sums(d, &s);
                for (int32_t j = 0; j < n; j++) {
                    y[(co * g->oh + oy) * g->ow + ox0 + j] = (float)sums[j] * d->factors[co];
                }
            }
        }
    }
}
