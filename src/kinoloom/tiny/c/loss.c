/* needs: base */
/* Losses and their gradients. exp and log are implemented here, so results are bit-identical on all
   machines. */
static inline float kl_bits(uint32_t bits)
{
    union {
        uint32_t u;
        float f;
    } both;
    both.u = bits;
    return both.f;
}

/* Return e**x for x <= 0. */
static inline float kl_exp(float x)
{
    static const float terms[8] = {KL_EXP_TERMS};
    if (x < -87.0f) {
        return 0.0f;
    }
    const int32_t n = (int32_t)(x * KL_LOG2_E - 0.5f);
    const float whole = (float)n;
    const float r = (x - whole * KL_LN2_HIGH) - whole * KL_LN2_LOW;
    float total = terms[0];
    for (int i = 1; i < 8; i++) {
        total = total * r + terms[i];
    }
    return total * kl_bits((uint32_t)(n + 127) << 23);
}

/* Return the natural logarithm of x >= 1. */
static inline float kl_log(float x)
{
    union {
        float f;
        uint32_t u;
    } both;
    static const float terms[5] = {KL_LOG_TERMS};
    both.f = x;
    int32_t exponent = (int32_t)(both.u >> 23) - 127;
    float m = kl_bits((both.u & 0x7FFFFFu) | 0x3F800000u);
    if (m > KL_SQRT_2) {
        m = m * 0.5f;
        exponent = exponent + 1;
    }
    const float s = (m - 1.0f) / (m + 1.0f), q = s * s, e = (float)exponent;
    float total = terms[0];
    for (int i = 1; i < 5; i++) {
        total = total * q + terms[i];
    }
    return e * KL_LN2_HIGH + (e * KL_LN2_LOW + 2.0f * s * total);
}

/* The gradient may overwrite the logits. */
static inline float kl_softmax_loss(const float *logits, int32_t count, int32_t label,
                                    float *gradient)
{
    float top = logits[0], sum = 0.0f;
    for (int32_t i = 1; i < count; i++) {
        top = logits[i] > top ? logits[i] : top;
    }
    const float of_label = logits[label];
    for (int32_t i = 0; i < count; i++) {
        sum += kl_exp(logits[i] - top);
    }
    for (int32_t i = 0; gradient && i < count; i++) {
        gradient[i] = kl_exp(logits[i] - top) / sum - (i == label ? 1.0f : 0.0f);
    }
    return kl_log(sum) - (of_label - top);
}

static inline float kl_square_loss(const float *outputs, int32_t count, const float *target,
                                   float *gradient)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        const float d = outputs[i] - target[i];
        sum += d * d;
        if (gradient) {
            gradient[i] = 2.0f * d / (float)count;
        }
    }
    return sum / (float)count;
}
