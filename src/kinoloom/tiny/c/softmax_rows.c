/* needs: base */
/* Softmax over `count` elements at a distance of `inner`, in units of 1/256. */
typedef struct {
    int32_t outer, count, inner;
    float gain;
} kl_rows;

static inline void kl_softmax(const kl_rows *d, const uint16_t *powers, const int8_t *x, int8_t *y)
{
    for (int32_t r = 0; r < d->outer * d->inner; r++) {
        const int32_t start = r / d->inner * d->count * d->inner + r % d->inner;
        int32_t top = -128, sum = 0;
        for (int32_t i = 0; i < d->count; i++) {
            const int32_t v = x[start + i * d->inner];
            top = v > top ? v : top;
        }
        for (int32_t i = 0; i < d->count; i++) {
            sum += powers[top - x[start + i * d->inner]];
        }
        for (int32_t i = 0; i < d->count; i++) {
            const int32_t at = start + i * d->inner;
            const int32_t part = (powers[top - x[at]] * 256 + sum / 2) / sum;
            y[at] = (int8_t)((part > 255 ? 255 : part) - 128);
        }
    }
}

static inline void kl_softmax_grad(const kl_rows *d, const float *g, const int8_t *p, float *gx)
{
    for (int32_t r = 0; r < d->outer * d->inner; r++) {
        const int32_t start = r / d->inner * d->count * d->inner + r % d->inner;
        float mean = 0.0f;
        for (int32_t i = 0; i < d->count; i++) {
            const int32_t at = start + i * d->inner;
            mean += (float)(p[at] + 128) * KL_2_POW_M8 * g[at];
        }
        for (int32_t i = 0; i < d->count; i++) {
            const int32_t at = start + i * d->inner;
            gx[at] = d->gain * ((float)(p[at] + 128) * KL_2_POW_M8 * (g[at] - mean));
        }
    }
}
