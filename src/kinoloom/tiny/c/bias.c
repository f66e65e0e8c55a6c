/* needs: update */
typedef struct {
    int32_t *values;
    const float *factors;
    int32_t channels, pixels;
    uint32_t stream;
} kl_bias;

static inline float kl_bias_sum(const float *gy, int32_t pixels)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < pixels; i++) {
        sum += gy[i];
    }
    return sum;
}

static inline void kl_bias_grad(const float *gy, int32_t channels, int32_t pixels, float *grad)
{
    for (int32_t c = 0; c < channels; c++) {
        grad[c] = kl_bias_sum(gy + c * pixels, pixels);
    }
}

/* Update the bias of channel c, whose gradient plane is gy. */
static inline void kl_bias_one(const kl_bias *d, int32_t c, const float *gy, uint32_t key, float lr)
{
    const float sum = kl_bias_sum(gy, d->pixels);
    kl_step_bias(&d->values[c], key, c, lr * d->factors[c] * sum);
}

/* Update all biases. With one pixel per channel, gy may be the result of kl_bias_grad. */
static inline void kl_bias_step(const kl_bias *d, const float *gy, const kl_random *random,
                                float lr)
{
    const uint32_t key = kl_key(random, d->stream);
    for (int32_t c = 0; c < d->channels; c++) {
        kl_bias_one(d, c, gy + c * d->pixels, key, lr);
    }
}
