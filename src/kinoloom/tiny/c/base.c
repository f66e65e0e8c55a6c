/* Rounding, clamping and clamp masks; arithmetic.py implements the same functions. */

#if defined(__FAST_MATH__) || (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0)
#error "float arithmetic must be plain IEEE 754 single precision: no -ffast-math, no x87"
#endif
/* Never contract a * b + c to a fused multiply-add, which rounds once and changes the result. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#define KL_LIMIT ((int32_t)1 << 30)

/* Return product / 2**shift, rounded half away from zero, clipped to +-2**30. */
static inline int32_t kl_shift_rounded(int64_t product, uint8_t shift)
{
    const int64_t half = (int64_t)1 << (shift - 1);
    int64_t size = ((product < 0 ? -product : product) + half) >> shift;
    if (size > KL_LIMIT) {
        size = KL_LIMIT;
    }
    return product < 0 ? -(int32_t)size : (int32_t)size;
}

/* Return sum * multiplier / 2**shift with the same rounding. With a shift over 32 only the high
   word of the product matters, and the result is below the limit. */
static inline int32_t kl_requantise(int32_t sum, int32_t multiplier, uint8_t shift)
{
    if (shift <= 32) {
        return kl_shift_rounded((int64_t)sum * multiplier, shift);
    }
    const uint32_t size = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    const uint32_t high = (uint32_t)((uint64_t)size * (uint32_t)multiplier >> 32);
    const int32_t rounded = (int32_t)((high + (1u << (shift - 33))) >> (shift - 32));
    return sum < 0 ? -rounded : rounded;
}

/* Clamp to low..high; set bit i of the mask if the value was not clamped. */
static inline int8_t kl_clamp(int32_t value, int32_t low, int32_t high, uint8_t *mask, int32_t i)
{
    if (value < low) {
        return (int8_t)low;
    }
    if (value > high) {
        return (int8_t)high;
    }
    if (mask) {
        mask[i >> 3] = (uint8_t)(mask[i >> 3] | (1u << (i & 7)));
    }
    return (int8_t)value;
}

static inline void kl_clear_mask(uint8_t *mask, int32_t count)
{
    if (mask) {
        for (int32_t i = 0; i < (count + 7) / 8; i++) {
            mask[i] = 0;
        }
    }
}
