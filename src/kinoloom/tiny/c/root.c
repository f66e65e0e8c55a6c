/* needs: base */
/* The square root of positive numbers and rounding to integers, bit-identical on all machines. */
static inline float kl_root(float x)
{
    union {
        float f;
        uint32_t u;
    } guess;
    guess.f = x;
    guess.u = (guess.u >> 1) + 0x1FBD1DF5u;
    for (int i = 0; i < 4; i++) {
        guess.f = 0.5f * (guess.f + x / guess.f);
    }
    return guess.f;
}

static inline int32_t kl_nearest(float v, float limit)
{
    v = v > limit ? limit : v < -limit ? -limit : v;
    return (int32_t)(v + (v < 0.0f ? -0.5f : 0.5f));
}
