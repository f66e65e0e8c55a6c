/* needs: base */
/* Elementwise functions as lookup tables of 256 values. */
static inline void kl_lookup(const int8_t *table, const int8_t *x, int32_t count, int8_t *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = table[x[i] + 128];
    }
}

static inline void kl_lookup_grad(const float *slopes, const float *g, const int8_t *x,
                                  int32_t count, float *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = g[i] * slopes[x[i] + 128];
    }
}

static inline void kl_scale_grad(const float *g, float gain, int32_t count, float *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = gain * g[i];
    }
}
