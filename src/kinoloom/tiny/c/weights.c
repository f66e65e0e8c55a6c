/* needs: geometry update */
/* Weight gradients, stored as a tensor or applied at once. */
typedef struct {
    kl_geometry geometry;
    const uint16_t *kept; /* trained input channels; of a grouped convolution, output channels */
    int32_t count, x_zero;
} kl_weight_grad;

/* Return the sum over pixels, row by row, of gradient times input at one tap. */
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

/* Compute the gradients of the trained weights of output channel co, whose gradient plane is gy:
   store them in `grad`, or update the target if `grad` is null. */
static void kl_weight_row(const kl_weight_grad *d, int32_t co, const float *gy, const int8_t *x,
                          float *grad, const kl_target *t, uint32_t key, float lr)
{
    const kl_geometry *g = &d->geometry;
    const int32_t taps = g->kh * g->kw, ins = g->cin / g->groups;
    const int32_t columns = g->groups == 1 ? d->count : ins;
    for (int32_t i = 0; i < columns * taps; i++) {
        const int32_t j = i / taps, k = i % taps;
        const int32_t ci =
            g->groups == 1 ? (int32_t)d->kept[j] : co / (g->cout / g->groups) * ins + j;
        const float sum = kl_weight_sum(g, gy, x + ci * g->ih * g->iw, d->x_zero, k / g->kw,
                                        k % g->kw);
        if (grad) {
            grad[i] = sum;
        } else {
            kl_step_weight(t, key, co * columns * taps + i, lr * t->factors[co] * sum);
        }
    }
}

static void kl_weight_rows(const kl_weight_grad *d, const float *gy, const int8_t *x, float *grad,
                           const kl_target *t, const kl_random *random, float lr)
{
    const kl_geometry *g = &d->geometry;
    const int32_t rows = g->groups == 1 ? g->cout : d->count;
    const int32_t row = (g->groups == 1 ? d->count : g->cin / g->groups) * g->kh * g->kw;
    const uint32_t key = t ? kl_key(random, t->stream) : 0u;
    for (int32_t i = 0; i < rows; i++) {
        const int32_t co = g->groups == 1 ? i : (int32_t)d->kept[i];
        kl_weight_row(d, co, gy + co * g->oh * g->ow, x, grad ? grad + i * row : 0, t, key, lr);
    }
}

/* Update by a gradient tensor of `rows` rows with `row` weights, for the output channels `kept`. */
static inline void kl_weight_step(const kl_target *t, const uint16_t *kept, int32_t rows,
                                  int32_t row, const float *grad, const kl_random *random, float lr)
{
    const uint32_t key = kl_key(random, t->stream);
    for (int32_t i = 0; i < rows * row; i++) {
        const int32_t co = kept ? (int32_t)kept[i / row] : i / row;
        kl_step_weight(t, key, co * row + i % row, lr * t->factors[co] * grad[i]);
    }
}
