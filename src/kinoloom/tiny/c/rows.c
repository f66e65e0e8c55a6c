/* needs: base */
/* The inner loop of convolutions: sums of products along a row. Integer sums are exact, so the
   versions with vector instructions give the same result; -DKL_PORTABLE disables them. A pair of
   inputs is two channels, or two taps of one channel. */
#if !defined(KL_PORTABLE) && defined(__ARM_FEATURE_DSP) && defined(__GNUC__)
#define KL_DSP 1 /* Armv7E-M and Armv8-M: two 16-bit products per instruction */
#elif !defined(KL_PORTABLE) && defined(__SSE2__)
#define KL_SSE2 1
#include <emmintrin.h>
#endif

typedef struct {
    const int8_t *x0, *x1;
    int32_t first[2], second[2]; /* weights of x0 and x1, for two output channels */
} kl_pair;

static inline void kl_pair_scalar(const kl_pair *p, int32_t from, int32_t n, int32_t *first,
                                  int32_t *second)
{
    const kl_pair q = *p; /* a local copy, which the sums cannot alias */
    for (int32_t j = from; j < n; j++) {
        first[j] += q.first[0] * q.x0[j] + q.first[1] * q.x1[j];
    }
    for (int32_t j = from; second && j < n; j++) {
        second[j] += q.second[0] * q.x0[j] + q.second[1] * q.x1[j];
    }
}

#if defined(KL_DSP)
static inline uint32_t kl_word(const int8_t *x)
{
    uint32_t v;
    __builtin_memcpy(&v, x, 4);
    return v;
}

static inline uint32_t kl_even(uint32_t bytes)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(bytes));
    return halves;
}

static inline uint32_t kl_odd(uint32_t bytes)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(bytes));
    return halves;
}

static inline uint32_t kl_low_halves(uint32_t a, uint32_t b)
{
    uint32_t both;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(both) : "r"(a), "r"(b));
    return both;
}

static inline uint32_t kl_high_halves(uint32_t a, uint32_t b)
{
    uint32_t both;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(both) : "r"(b), "r"(a));
    return both;
}

static inline int32_t kl_two_products(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t made;
    __asm__("smlad %0, %1, %2, %3" : "=r"(made) : "r"(a), "r"(b), "r"(sum));
    return made;
}

static inline void kl_four(int32_t *sums, const uint32_t *x, uint32_t weights)
{
    sums[0] = kl_two_products(x[0], weights, sums[0]);
    sums[1] = kl_two_products(x[1], weights, sums[1]);
    sums[2] = kl_two_products(x[2], weights, sums[2]);
    sums[3] = kl_two_products(x[3], weights, sums[3]);
}

static inline void kl_pair_row(const kl_pair *p, int32_t n, int32_t *first, int32_t *second)
{
    const uint32_t w = kl_low_halves((uint32_t)p->first[0], (uint32_t)p->first[1]);
    const uint32_t v = kl_low_halves((uint32_t)p->second[0], (uint32_t)p->second[1]);
    int32_t j = 0;
    for (; j + 4 <= n; j += 4) {
        const uint32_t a = kl_word(p->x0 + j), b = kl_word(p->x1 + j);
        const uint32_t a02 = kl_even(a), b02 = kl_even(b), a13 = kl_odd(a), b13 = kl_odd(b);
        const uint32_t x[4] = {kl_low_halves(a02, b02), kl_low_halves(a13, b13),
                               kl_high_halves(a02, b02), kl_high_halves(a13, b13)};
        kl_four(first + j, x, w);
        if (second) {
            kl_four(second + j, x, v);
        }
    }
    kl_pair_scalar(p, j, n, first, second);
}
#elif defined(KL_SSE2)
static inline void kl_eight(int32_t *sums, __m128i low, __m128i high, __m128i weights)
{
    __m128i *const at = (__m128i *)(void *)sums;
    _mm_storeu_si128(at, _mm_add_epi32(_mm_loadu_si128(at), _mm_madd_epi16(low, weights)));
    _mm_storeu_si128(at + 1,
                     _mm_add_epi32(_mm_loadu_si128(at + 1), _mm_madd_epi16(high, weights)));
}

static inline void kl_pair_row(const kl_pair *p, int32_t n, int32_t *first, int32_t *second)
{
    const __m128i w = _mm_set1_epi32((int32_t)((uint32_t)p->first[1] << 16 |
                                               ((uint32_t)p->first[0] & 0xFFFFu)));
    const __m128i v = _mm_set1_epi32((int32_t)((uint32_t)p->second[1] << 16 |
                                               ((uint32_t)p->second[0] & 0xFFFFu)));
    int32_t j = 0;
    for (; j + 8 <= n; j += 8) {
        const __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)(p->x0 + j));
        const __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)(p->x1 + j));
        const __m128i both = _mm_unpacklo_epi8(a, b);
        const __m128i low = _mm_srai_epi16(_mm_unpacklo_epi8(both, both), 8);
        const __m128i high = _mm_srai_epi16(_mm_unpackhi_epi8(both, both), 8);
        kl_eight(first + j, low, high, w);
        if (second) {
            kl_eight(second + j, low, high, v);
        }
    }
    kl_pair_scalar(p, j, n, first, second);
}
#else
static inline void kl_pair_row(const kl_pair *p, int32_t n, int32_t *first, int32_t *second)
{
    kl_pair_scalar(p, 0, n, first, second);
}
#endif
