/* needs: geometry */
/* The input gradient of a convolution. Sums run over output channels, then over the window, in
   ascending order. */
typedef struct {
    kl_geometry geometry;
    kl_part frozen, trained;
    const float *scales;
} kl_conv_back;

static void kl_conv_grad_tap(const kl_geometry *g, float weight, int32_t ky, int32_t kx,
                             const float *gy, float *gx)
{
    const kl_span span = kl_columns(g, kx, 0, g->ow);
    const int32_t left = kx * g->dx - g->px;
    for (int32_t oy = 0; oy < g->oh; oy++) {
        const int32_t iy = oy * g->sy - g->py + ky * g->dy;
        if (iy < 0 || iy >= g->ih) {
            continue;
        }
        float *row = gx + iy * g->iw;
        const float *from = gy + oy * g->ow;
        if (g->sx == 1) {
            for (int32_t ox = span.from; ox < span.to; ox++) {
                row[ox + left] += weight * from[ox];
            }
        } else {
            for (int32_t ox = span.from; ox < span.to; ox++) {
                row[ox * g->sx + left] += weight * from[ox];
            }
        }
    }
}

/* Compute to += a * first, then to += b * second. */
static inline void kl_add_two(float a, const float *first, float b, const float *second,
                              int32_t count, float *to)
{
    for (int32_t i = 0; i < count; i++) {
        const float sum = to[i] + a * first[i];
        to[i] = sum + b * second[i];
    }
}

static inline void kl_add_scaled(float a, const float *from, int32_t count, float *to)
{
    for (int32_t i = 0; i < count; i++) {
        to[i] += a * from[i];
    }
}

/* Add the contribution of output channel co, whose gradient plane is gy, to the gradient plane of
   one input channel. */
static void kl_conv_grad_plane(const kl_conv_back *d, int32_t co, const int8_t *weights,
                               const float *gy, float *gx)
{
    const kl_geometry *g = &d->geometry;
    if (kl_pointwise(g)) {
        kl_add_scaled(d->scales[co] * (float)weights[0], gy, g->oh * g->ow, gx);
        return;
    }
    for (int32_t k = 0; k < g->kh * g->kw; k++) {
        kl_conv_grad_tap(g, d->scales[co] * (float)weights[k], k / g->kw, k % g->kw, gy, gx);
    }
}

static void kl_conv_grad_part(const kl_conv_back *d, const kl_part *part, const float *gy,
                              float *gx)
{
    const kl_geometry *g = &d->geometry;
    const int32_t outs = g->cout / g->groups, ins = g->cin / g->groups;
    for (int32_t i = 0; i < part->count * g->groups; i++) {
        const int32_t group = i / part->count, j = i % part->count;
        const int32_t ci = group * ins + (part->channels ? (int32_t)part->channels[j] : j);
        for (int32_t co = group * outs; co < (group + 1) * outs; co++) {
            kl_conv_grad_plane(d, co, part->weights + (co * part->count + j) * g->kh * g->kw,
                               gy + co * g->oh * g->ow, gx + ci * g->ih * g->iw);
        }
    }
}

static void kl_zero(float *values, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        values[i] = 0.0f;
    }
}

/* Initialise the sums with zeros or with another gradient, which may be stored in place. */
static void kl_begin(const kl_geometry *g, const float *onto, float *gx)
{
    for (int32_t i = 0; gx != onto && i < g->cin * g->ih * g->iw; i++) {
        gx[i] = onto ? onto[i] : 0.0f;
    }
}

static void kl_conv_grad_x(const kl_conv_back *d, const float *gy, const float *onto, float *gx)
{
    kl_begin(&d->geometry, onto, gx);
    kl_conv_grad_part(d, &d->frozen, gy, gx);
    kl_conv_grad_part(d, &d->trained, gy, gx);
}
