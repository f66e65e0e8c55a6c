/* needs: base */
/* Updates of trained tensors, rounded stochastically or with a residual; they saturate. */
typedef struct {
    uint32_t seed, step;
} kl_random;

static inline uint32_t kl_mix(uint32_t v)
{
    v ^= v >> 16;
    v *= 0x7FEB352Du;
    v ^= v >> 15;
    v *= 0x846CA68Bu;
    return v ^ (v >> 16);
}

static inline uint32_t kl_key(const kl_random *r, uint32_t stream)
{
    return kl_mix(r->seed + r->step * 0x9E3779B9u + stream * 0x85EBCA6Bu);
}

static inline float kl_limited(float v, float limit)
{
    if (v > limit) {
        return limit;
    }
    if (v < -limit) {
        return -limit;
    }
    return v == v ? v : 0.0f;
}

static inline int32_t kl_round_stochastic(float v, uint32_t key, int32_t index)
{
    const uint32_t bits = kl_mix(key + (uint32_t)index * 0x9E3779B1u);
    int32_t low = (int32_t)v;
    if ((float)low > v) {
        low--;
    }
    const float chance = (float)(bits >> 8) * KL_2_POW_M24;
    return chance < v - (float)low ? low + 1 : low;
}

static inline int32_t kl_saturate(int32_t v, int32_t limit)
{
    return v > limit ? limit : v < -limit ? -limit : v;
}

typedef struct {
    int8_t *values;
    int16_t *residual; /* null for stochastic rounding */
    const float *factors;
    uint32_t stream;
} kl_target;

static inline void kl_step_weight(const kl_target *t, uint32_t key, int32_t i, float delta)
{
    delta = kl_limited(delta, 512.0f);
    if (t->residual) {
        const float scaled = delta * 65536.0f;
        const int32_t taken = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
        const int32_t whole =
            kl_saturate(t->values[i] * 65536 + t->residual[i] - taken, 127 * 65536);
        const int32_t nearest = (int32_t)((uint32_t)(whole + 32768 + 128 * 65536) >> 16) - 128;
        t->values[i] = (int8_t)nearest;
        t->residual[i] = (int16_t)(whole - nearest * 65536);
    } else {
        const int32_t taken = kl_round_stochastic(delta, key, i);
        t->values[i] = (int8_t)kl_saturate(t->values[i] - taken, 127);
    }
}

static inline void kl_step_bias(int32_t *bias, uint32_t key, int32_t i, float delta)
{
    const int32_t taken = kl_round_stochastic(kl_limited(delta, 1073741824.0f), key, i);
    const int64_t moved = (int64_t)*bias - taken;
    *bias = moved > KL_LIMIT ? KL_LIMIT : moved < -KL_LIMIT ? -KL_LIMIT : (int32_t)moved;
}
