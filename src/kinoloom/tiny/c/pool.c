/* needs: elementwise geometry */
/* Average and max pooling, forward and backward. */
static inline int32_t kl_tap(const kl_geometry *g, int32_t oy, int32_t ox, int32_t k)
{
    const int32_t iy = oy * g->sy - g->py + k / g->kw * g->dy;
    const int32_t ix = ox * g->sx - g->px + k % g->kw * g->dx;
    return iy < 0 || iy >= g->ih || ix < 0 || ix >= g->iw ? -1 : iy * g->iw + ix;
}

static inline void kl_average_pool(const kl_geometry *g, const kl_scale *d, const int8_t *x,
                                   int8_t *y, uint8_t *mask)
{
    kl_clear_mask(mask, d->count);
    for (int32_t i = 0; i < d->count; i++) {
        const int32_t ox = i % g->ow, oy = i / g->ow % g->oh;
        const int8_t *plane = x + i / (g->ow * g->oh) * g->ih * g->iw;
        int32_t sum = 0;
        for (int32_t k = 0; k < g->kh * g->kw; k++) {
            const int32_t tap = kl_tap(g, oy, ox, k);
            if (tap >= 0) {
                sum += plane[tap] - d->x_zero;
            }
        }
        const int32_t v = kl_requantise(sum, d->multiplier, d->shift);
        y[i] = kl_clamp(v + d->y_zero, d->low, d->high, mask, i);
    }
}

static inline void kl_average_pool_grad(const kl_geometry *g, float share, const float *gy,
                                        float *gx)
{
    for (int32_t i = 0; i < g->cin * g->ih * g->iw; i++) {
        gx[i] = 0.0f;
    }
    for (int32_t k = 0; k < g->kh * g->kw; k++) {
        for (int32_t i = 0; i < g->cout * g->oh * g->ow; i++) {
            const int32_t tap = kl_tap(g, i / g->ow % g->oh, i % g->ow, k);
            if (tap >= 0) {
                gx[i / (g->ow * g->oh) * g->ih * g->iw + tap] += share * gy[i];
            }
        }
    }
}

static inline void kl_max_pool(const kl_geometry *g, const int8_t *x, int8_t *y, uint8_t *index)
{
    for (int32_t i = 0; i < g->cout * g->oh * g->ow; i++) {
        const int32_t ox = i % g->ow, oy = i / g->ow % g->oh;
        const int8_t *plane = x + i / (g->ow * g->oh) * g->ih * g->iw;
        int32_t best = -129, which = 0;
        for (int32_t k = 0; k < g->kh * g->kw; k++) {
            const int32_t tap = kl_tap(g, oy, ox, k);
            if (tap >= 0 && plane[tap] > best) {
                best = plane[tap];
                which = k;
            }
        }
        y[i] = (int8_t)best;
        if (index) {
            index[i] = (uint8_t)which;
        }
    }
}

static inline void kl_max_pool_grad(const kl_geometry *g, const float *gy, const uint8_t *index,
                                    float *gx)
{
    for (int32_t i = 0; i < g->cin * g->ih * g->iw; i++) {
        gx[i] = 0.0f;
    }
    for (int32_t k = 0; k < g->kh * g->kw; k++) {
        for (int32_t i = 0; i < g->cout * g->oh * g->ow; i++) {
            if (index[i] == k) {
                const int32_t tap = kl_tap(g, i / g->ow % g->oh, i % g->ow, k);
                gx[i / (g->ow * g->oh) * g->ih * g->iw + tap] += gy[i];
            }
        }
    }
}
