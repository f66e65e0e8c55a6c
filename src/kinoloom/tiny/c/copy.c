/* needs: base */
/* Strided copies: four nested loops over the elements of the other array. */
typedef struct {
    int32_t counts[4], strides[4], start;
} kl_loops;

/* Return the index of element i. */
static inline int32_t kl_place(const kl_loops *d, int32_t i)
{
    int32_t place = d->start;
    for (int k = 3; k >= 0; k--) {
        place += i % d->counts[k] * d->strides[k];
        i /= d->counts[k];
    }
    return place;
}

static inline void kl_gather(const kl_loops *d, const int8_t *x, int32_t count, int8_t *y)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = x[kl_place(d, i)];
    }
}

/* Add each gradient to the element that it belongs to; the others of the `size` elements are 0. */
static inline void kl_scatter(const kl_loops *d, const float *g, int32_t count, int32_t size,
                              float *y)
{
    for (int32_t i = 0; i < size; i++) {
        y[i] = 0.0f;
    }
    for (int32_t i = 0; i < count; i++) {
        y[kl_place(d, i)] += g[i];
    }
}
