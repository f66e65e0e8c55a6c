/* needs: geometry update */
/* Gradients of weights and biases: at once applied, or kept as tensors. */
typedef struct {
    kl_geometry geometry;
    const uint16_t *kept; /* input channels; for grouped ones output channels */
    int32_t count, x_zero;
} kl_weight_grad;

/* The sum over pixels, row by row, of gradient times input under one tap. */
static float kl_weight_sum(const kl_geometry *g, const float *gy, const int8_t *x, int32_t x_zero,
                           int32_t ky, int32_t kx)
{
    const kl_span span = kl_columns(g, kx, 0, g->ow);
    const int32_t left = kx * g->dx - g->px;
    float sum = 0.0f;
    for (int32_t oy = 0; oy < g->oh; oy++) {
        const int32_t iy = oy * g->sy - g->py + ky * g->dy;
        if (iy < 0 || iy >= g->ih) {
            continue;
        }
        for (int32_t ox = span.from; ox < span.to; ox++) {
            sum += gy[oy * g->ow + ox] * (float)(x[iy * g->iw + ox * g->sx + left] - x_zero);
        }
    }
    return sum;
}

/* Calls of this visit each kept weight; `grad` gets the gradients, or else the target is stepped. */
static void kl_weight_visit(const kl_weight_grad *d, const float *gy, const int8_t *x, float *grad,
                            const kl_target *t, const kl_random *random, float lr)
{
    const kl_geometry *g = &d->geometry;
    const int32_t taps = g->kh * g->kw, ins = g->cin / g->groups;
    const int32_t rows = g->groups == 1 ? g->cout : d->count;
    const int32_t columns = g->groups == 1 ? d->count : ins;
    const uint32_t key = t ? kl_key(random, t->stream) : 0u;
    for (int32_t i = 0; i < rows * columns * taps; i++) {
        const int32_t row = i / (columns * taps), j = i / taps % columns, k = i % taps;
        const int32_t co = g->groups == 1 ? row : (int32_t)d->kept[row];
        const int32_t ci =
            g->groups == 1 ? (int32_t)d->kept[j] : co / (g->cout / g->groups) * ins + j;
        const float sum = kl_weight_sum(g, gy + co * g->oh * g->ow, x + ci * g->ih * g->iw,
                                        d->x_zero, k / g->kw, k % g->kw);
        if (grad) {
            grad[i] = sum;
        }
        if (t) {
            kl_step_weight(t, key, (co * columns + j) * taps + k, lr * t->factors[co] * sum);
        }
    }
}
