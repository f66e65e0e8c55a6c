/* needs: base */
/* Batched matrix products, y[h][j][i] = sum over k of a[h][i][k] b[h][k][j]. */
typedef struct {
    int32_t heads, m, n, inner;
    int32_t a[4], b[4]; /* offset, then strides of h, i, k and of h, k, j */
    int32_t a_zero, b_zero, y_zero, multiplier, low, high;
    uint8_t shift;
} kl_product;

static inline void kl_matmul(const kl_product *d, const int8_t *a, const int8_t *b, int8_t *y,
                             uint8_t *mask)
{
    const int32_t size = d->n * d->m;
    kl_clear_mask(mask, d->heads * size);
    for (int32_t at = 0; at < d->heads * size; at++) {
        const int32_t h = at / size, j = at / d->m % d->n, i = at % d->m;
        const int8_t *p = a + d->a[0] + h * d->a[1] + i * d->a[2];
        const int8_t *q = b + d->b[0] + h * d->b[1] + j * d->b[3];
        int32_t sum = 0;
        for (int32_t k = 0; k < d->inner; k++) {
            sum += (p[k * d->a[3]] - d->a_zero) * (q[k * d->b[2]] - d->b_zero);
        }
        const int32_t v = kl_requantise(sum, d->multiplier, d->shift);
        y[at] = kl_clamp(v + d->y_zero, d->low, d->high, mask, at);
    }
}

typedef struct {
    int32_t counts[4];        /* of h, p, q, r */
    int32_t g[5], x[5], y[4];     /* offset, then strides */
    int32_t size, zero;
    float scale;
} kl_factor;

/* Compute y[h][p][q] = scale * sum over r of g[h][p][q][r] (x[h][p][q][r] - zero); other elements
   are 0. */
static inline void kl_matmul_grad(const kl_factor *d, const float *g, const int8_t *x, float *y)
{
    const int32_t *n = d->counts, count = n[0] * n[1] * n[2];
    for (int32_t i = 0; i < (count < d->size ? d->size : 0); i++) {
        y[i] = 0.0f;
    }
    for (int32_t i = 0; i < count; i++) {
        const int32_t h = i / (n[1] * n[2]), p = i / n[2] % n[1], q = i % n[2];
        const float *from = g + d->g[0] + h * d->g[1] + p * d->g[2] + q * d->g[3];
        const int8_t *by = x + d->x[0] + h * d->x[1] + p * d->x[2] + q * d->x[3];
        float sum = 0.0f;
        for (int32_t r = 0; r < n[3]; r++) {
            sum += from[r * d->g[4]] * (float)(by[r * d->x[4]] - d->zero);
        }
        y[d->y[0] + h * d->y[1] + p * d->y[2] + q * d->y[3]] = d->scale * sum;
    }
}
