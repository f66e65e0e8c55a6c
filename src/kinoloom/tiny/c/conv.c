/* needs: base geometry */
/* Convolutions and linear layers, forward. Rows of a source or result may live in a ring. */

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

/* What the channels of one part add to the sums of n columns of a row. */
static void kl_conv_part(const kl_conv *d, const kl_part *part, const int8_t *x, int32_t x_rows,
                         int32_t co, int32_t oy, int32_t ox0, int32_t n, int32_t *sums)
{
    if (part->count == 0) {
        return;
    }
    const kl_geometry *g = &d->geometry;
    const int32_t base = co / (g->cout / g->groups) * (g->cin / g->groups);
    const int32_t taps = g->kh * g->kw;
    const int8_t *w = part->weights + co * part->count * taps;
    for (int32_t j = 0; j < part->count; j++, w += taps) {
        const int32_t ci = base + (part->channels ? (int32_t)part->channels[j] : j);
        const int8_t *plane = x + ci * x_rows * g->iw;
        for (int32_t ky = 0; ky < g->kh; ky++) {
            const int32_t iy = oy * g->sy - g->py + ky * g->dy;
            if (iy < 0 || iy >= g->ih) {
                continue;
            }
            const int8_t *row = plane + (iy % x_rows) * g->iw;
            for (int32_t kx = 0; kx < g->kw; kx++) {
                const kl_span span = kl_columns(g, kx, ox0, ox0 + n);
                const int32_t left = kx * g->dx - g->px;
                const int32_t weight = w[ky * g->kw + kx];
                if (g->sx == 1) {
                    for (int32_t ox = span.from; ox < span.to; ox++) {
                        sums[ox - ox0] += weight * (row[ox + left] - d->x_zero);
                    }
                } else {
                    for (int32_t ox = span.from; ox < span.to; ox++) {
                        sums[ox - ox0] += weight * (row[ox * g->sx + left] - d->x_zero);
                    }
                }
            }
        }
    }
}

/* The same for an input of one pixel under one tap: a scalar product. */
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

static void kl_conv_sums(const kl_conv *d, const int8_t *x, int32_t x_rows, int32_t co, int32_t oy,
                         int32_t ox0, int32_t n, int32_t *sums)
{
    const kl_geometry *g = &d->geometry;
    for (int32_t j = 0; j < n; j++) {
        sums[j] = d->bias[co];
    }
    if (g->ih * g->iw * g->kh * g->kw * g->groups == 1) {
        sums[0] += kl_conv_dot(d, &d->frozen, x, co) + kl_conv_dot(d, &d->trained, x, co);
        return;
    }
    kl_conv_part(d, &d->frozen, x, x_rows, co, oy, ox0, n, sums);
    kl_conv_part(d, &d->trained, x, x_rows, co, oy, ox0, n, sums);
}

/* Rows r0..r1 of every channel; x holds x_rows rows a channel and y y_rows, of which row r is the
   one at r modulo that. The mask must be clear before the first row. */
static inline void kl_conv_rows(const kl_conv *d, const int8_t *x, int32_t x_rows, int8_t *y,
                         int32_t y_rows, uint8_t *mask, int32_t r0, int32_t r1)
{
    const kl_geometry *g = &d->geometry;
    int32_t sums[KL_STRIP];
    for (int32_t co = 0; co < g->cout; co++) {
        for (int32_t oy = r0; oy < r1; oy++) {
            int8_t *row = y + (co * y_rows + oy % y_rows) * g->ow;
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                kl_conv_sums(d, x, x_rows, co, oy, ox0, n, sums);
                for (int32_t j = 0; j < n; j++) {
                    const int32_t v = kl_requantise(sums[j], d->multipliers[co], d->shifts[co]);
                    row[ox0 + j] = kl_clamp(v + d->y_zero, d->low, d->high, mask,
                                            (co * g->oh + oy) * g->ow + ox0 + j);
                }
            }
        }
    }
}

static void kl_conv_forward(const kl_conv *d, const int8_t *x, int8_t *y, uint8_t *mask)
{
    const kl_geometry *g = &d->geometry;
    kl_clear_mask(mask, g->cout * g->oh * g->ow);
    kl_conv_rows(d, x, g->ih, y, g->oh, mask, 0, g->oh);
}

/* A convolution whose sums become reals: the head of a network. */
static void kl_conv_float(const kl_conv *d, const int8_t *x, float *y)
{
    const kl_geometry *g = &d->geometry;
    int32_t sums[KL_STRIP];
    for (int32_t co = 0; co < g->cout; co++) {
        for (int32_t oy = 0; oy < g->oh; oy++) {
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                kl_conv_sums(d, x, g->ih, co, oy, ox0, n, sums);
                for (int32_t j = 0; j < n; j++) {
                    y[(co * g->oh + oy) * g->ow + ox0 + j] = (float)sums[j] * d->factors[co];
                }
            }
        }
    }
}
