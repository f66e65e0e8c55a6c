/* needs: base */
/* Elementwise gradients. Element 0 has bit `first` of the mask. */
static inline void kl_mask_grad(const float *g, const uint8_t *mask, int32_t first, int32_t count,
                                float *y)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t bit = first + i;
        y[i] = (mask[bit >> 3] >> (bit & 7)) & 1 ? g[i] : 0.0f;
    }
}

static inline void kl_accumulate(const float *a, const float *b, int32_t count, float *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = a[i] + b[i];
    }
}

static inline void kl_copy(const float *g, int32_t count, float *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = g[i];
    }
}
