/* needs: base */
/* Elementwise int8 operations. */
typedef struct {
    int32_t a_zero, b_zero, y_zero, a_mult, b_mult, low, high, count;
    uint8_t shift;
} kl_add_sizes;

static inline void kl_add(const kl_add_sizes *d, const int8_t *a, const int8_t *b, int8_t *y,
                          uint8_t *mask)
{
    kl_clear_mask(mask, d->count);
    for (int32_t i = 0; i < d->count; i++) {
        const int32_t sum = d->a_mult * (a[i] - d->a_zero) + d->b_mult * (b[i] - d->b_zero);
        const int32_t v = kl_shift_rounded(sum, d->shift);
        y[i] = kl_clamp(v + d->y_zero, d->low, d->high, mask, i);
    }
}

typedef struct {
    int32_t x_zero, y_zero, multiplier, low, high, count;
    uint8_t shift;
} kl_scale;

/* Requantise to elements offset..offset + count of y; the mask must be cleared first. */
static inline void kl_rescale(const kl_scale *d, const int8_t *x, int8_t *y, uint8_t *mask,
                              int32_t offset)
{
    for (int32_t i = 0; i < d->count; i++) {
        const int32_t v = kl_requantise(x[i] - d->x_zero, d->multiplier, d->shift);
        y[offset + i] = kl_clamp(v + d->y_zero, d->low, d->high, mask, offset + i);
    }
}

static inline void kl_dequantise(const int8_t *x, int32_t zero, float scale, int32_t count, float *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = scale * (float)(x[i] - zero);
    }
}
