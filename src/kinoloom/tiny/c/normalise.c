/* needs: root */
/* Layer normalisation of each token, a column of `count` features. */
typedef struct {
    int32_t count, tokens;
    float floor, step, gain;
    int32_t y_zero, low, high;
} kl_norm;

typedef struct {
    int32_t sum;
    float root;
} kl_moments;

static inline kl_moments kl_moments_of(const kl_norm *d, const int8_t *x, int32_t t)
{
    int32_t sum = 0, squares = 0;
    kl_moments m;
    for (int32_t c = 0; c < d->count; c++) {
        const int32_t v = x[c * d->tokens + t];
        sum += v;
        squares += v * v;
    }
    m.sum = sum;
    m.root = kl_root((float)((int64_t)d->count * squares - (int64_t)sum * sum) + d->floor);
    return m;
}

static inline float kl_normal(const kl_norm *d, const kl_moments *m, int8_t x)
{
    return (float)(d->count * x - m->sum) / m->root;
}

static inline void kl_normalise(const kl_norm *d, const int8_t *x, int8_t *y, uint8_t *mask)
{
    kl_clear_mask(mask, d->count * d->tokens);
    for (int32_t t = 0; t < d->tokens; t++) {
        const kl_moments m = kl_moments_of(d, x, t);
        for (int32_t c = 0; c < d->count; c++) {
            const int32_t i = c * d->tokens + t;
            const int32_t v = kl_nearest(kl_normal(d, &m, x[i]) * d->step, 1024.0f);
            y[i] = kl_clamp(v + d->y_zero, d->low, d->high, mask, i);
        }
    }
}

static inline void kl_normalise_grad(const kl_norm *d, const float *g, const int8_t *x, float *gx)
{
    for (int32_t t = 0; t < d->tokens; t++) {
        const kl_moments m = kl_moments_of(d, x, t);
        float mean = 0.0f, along = 0.0f;
        for (int32_t c = 0; c < d->count; c++) {
            const int32_t i = c * d->tokens + t;
            mean += g[i];
            along += g[i] * kl_normal(d, &m, x[i]);
        }
        mean = mean / (float)d->count;
        along = along / (float)d->count;
        for (int32_t c = 0; c < d->count; c++) {
            const int32_t i = c * d->tokens + t;
            const float h = kl_normal(d, &m, x[i]);
            gx[i] = d->gain / m.root * (g[i] - mean - h * along);
        }
    }
}
