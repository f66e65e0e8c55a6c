/* bottleneck: made by kinoloom tiny; do not edit.

   A network of int8 values that runs and learns in 1100 bytes of RAM, with 616 bytes of
   constants in flash beside its code. C99 with no heap and no library. All state is in this one
   object: calls must not overlap, from an interrupt or another thread. It takes 2 KiB of stack
   at most (Cortex-M4, gcc -O2). Every machine gives the same bits. */
#ifndef BOTTLENECK_MODEL_H
#define BOTTLENECK_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The input: 2 x 8 x 8 values, channel by channel, row by row;
   value = round(real / BOTTLENECK_INPUT_SCALE) + BOTTLENECK_INPUT_ZERO, clamped to -128..127. */
#define BOTTLENECK_INPUT_COUNT 128
#define BOTTLENECK_INPUT_SCALE 0x1p-6f /* 0.015625 */
#define BOTTLENECK_INPUT_ZERO (-3)
#define BOTTLENECK_OUTPUT_COUNT 2

#define BOTTLENECK_ARENA_BYTES 984 /* input, activations, gradients */
#define BOTTLENECK_PARAM_BYTES 116 /* trained tensors */
#define BOTTLENECK_RAM_BYTES (BOTTLENECK_ARENA_BYTES + BOTTLENECK_PARAM_BYTES)
#define BOTTLENECK_IMAGE_BYTES 128 /* of bottleneck_export */

/* What the functions that can refuse return. */
enum {
    BOTTLENECK_OK = 0,
    BOTTLENECK_BAD_LABEL = 1, /* out of range */
    BOTTLENECK_BAD_RATE = 2,  /* negative, infinite or not a number */
    BOTTLENECK_BAD_IMAGE = 3  /* damaged, or of another program */
};

/* Call this before anything else: trained tensors get their first values. The seed is that of the
   random rounding of updates; the same seed and the same steps give the same weights. */
void bottleneck_init(uint32_t seed);

/* Where the next input may be written in place: BOTTLENECK_INPUT_COUNT values. Give this pointer to
   bottleneck_forward or bottleneck_train_step and nothing is copied. Both use the place for other things. */
int8_t *bottleneck_input(void);

/* Run the network on BOTTLENECK_INPUT_COUNT values. The BOTTLENECK_OUTPUT_COUNT outputs are real numbers
   (logits); they stay until the next call. */
const float *bottleneck_forward(const int8_t *x);

/* One step of stochastic gradient descent on one example, with learning rate lr from 0 up.
   label: the class, 0..BOTTLENECK_OUTPUT_COUNT - 1.
   loss: gets the loss before the step; may be a null pointer.
   Returns BOTTLENECK_OK, BOTTLENECK_BAD_LABEL or BOTTLENECK_BAD_RATE; what is refused changes nothing. */
int bottleneck_train_step(const int8_t *x, int32_t label, float lr, float *loss);

/* Write the trained tensors to BOTTLENECK_IMAGE_BYTES bytes: a magic number, a fingerprint of the
   program, the values (little-endian), and a CRC-32 of all that, which is returned as well. The
   image may be a null pointer: only the CRC is worked out. It is good on every machine. */
uint32_t bottleneck_export(uint8_t *image);

/* Take the trained tensors from such an image. Returns BOTTLENECK_OK, or BOTTLENECK_BAD_IMAGE for one
   that is damaged or of another program; then nothing is changed. */
int bottleneck_import(const uint8_t *image);

#ifdef __cplusplus
}
#endif

#endif

/* All that lives no longer than a call: each tensor has its own bytes while it is needed. A piece
   that is used again holds values of another type only after it was written as that type. */
static union {
    float aligned;
    uint8_t bytes[BOTTLENECK_ARENA_BYTES];
} arena;

#define AT(type, offset) ((type *)(void *)(arena.bytes + (offset)))

static kl_random randomness;

/* Trained tensors: they outlive a call. */
static int32_t widen_b[12];
static int32_t depthwise_b[12];
static int32_t narrow_b[2];
static int8_t head_w[4];
static int32_t head_b[2];

/* Constants: weights, factors, and what each operation is told. */
static const int8_t first_weight[4] = {
    -127, -90, -53, -16
};
static const int32_t first_bias[2] = {
    -50, 50
};
static const int32_t first_multipliers[2] = {
    1073741824, 1073741824
};
static const uint8_t first_shifts[2] = {
    39, 39
};
static const kl_conv first_conv = {
    {2, 1, 64, 2, 1, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {first_weight, 0, 2}, {0, 0, 0},
    first_bias, first_multipliers, first_shifts, 0, -3, -128, -128, 127
};
static const int8_t widen_weight[24] = {
    -127, -90, -53, -16, 21, 58, 95, -123, -86, -49, -12, 25, 62, 99, -119, -82, -45, -8, 29,
    66, 103, -115, -78, -41
};
static const int32_t widen_multipliers[12] = {
    1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824,
    1073741824, 1073741824, 1073741824, 1073741824, 1073741824
};
static const uint8_t widen_shifts[12] = {
    38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38
};
static const kl_conv widen_conv = {
    {2, 8, 8, 12, 8, 8, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {widen_weight, 0, 2}, {0, 0, 0}, widen_b,
    widen_multipliers, widen_shifts, 0, -128, -128, -128, 127
};
static const int8_t depthwise_weight[108] = {
    -127, -90, -53, -16, 21, 58, 95, -123, -86, -49, -12, 25, 62, 99, -119, -82, -45, -8, 29,
    66, 103, -115, -78, -41, -4, 33, 70, 107, -111, -74, -37, 0, 37, 74, 111, -107, -70, -33, 4,
    41, 78, 115, -103, -66, -29, 8, 45, 82, 119, -99, -62, -25, 12, 49, 86, 123, -95, -58, -21,
    16, 53, 90, 127, -91, -54, -17, 20, 57, 94, -124, -87, -50, -13, 24, 61, 98, -120, -83, -46,
    -9, 28, 65, 102, -116, -79, -42, -5, 32, 69, 106, -112, -75, -38, -1, 36, 73, 110, -108,
    -71, -34, 3, 40, 77, 114, -104, -67, -30, 7
};
static const int32_t depthwise_multipliers[12] = {
    1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824, 1073741824,
    1073741824, 1073741824, 1073741824, 1073741824, 1073741824
};
static const uint8_t depthwise_shifts[12] = {
    38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38, 38
};
static const kl_conv depthwise_conv = {
    {12, 8, 8, 12, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 12}, {depthwise_weight, 0, 1}, {0, 0, 0},
    depthwise_b, depthwise_multipliers, depthwise_shifts, 0, -128, -128, -128, 127
};
static const int8_t narrow_weight[24] = {
    -127, -90, -53, -16, 21, 58, 95, -123, -86, -49, -12, 25, 62, 99, -119, -82, -45, -8, 29,
    66, 103, -115, -78, -41
};
static const int32_t narrow_multipliers[2] = {
    1073741824, 1073741824
};
static const uint8_t narrow_shifts[2] = {
    38, 38
};
static const kl_conv narrow_conv = {
    {12, 8, 8, 2, 8, 8, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {narrow_weight, 0, 12}, {0, 0, 0}, narrow_b,
    narrow_multipliers, narrow_shifts, 0, -128, -128, -128, 127
};
static const kl_stage narrow_stages[3] = {
    {&widen_conv, AT(uint8_t, 768), 2, 3},
    {&depthwise_conv, AT(uint8_t, 864), 1, 0},
    {&narrow_conv, AT(uint8_t, 960), 8, 0}
};
static const kl_geometry mean_window = {
    2, 8, 8, 2, 1, 1, 8, 8, 1, 1, 0, 0, 1, 1, 1
};
static const kl_scale mean_scale = {
    -128, -128, 1073741824, -128, 127, 2, 35
};
static const float head_factors[2] = {
    0x1p-14f, 0x1p-14f
};
static const kl_conv head_conv = {
    {2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {0, 0, 0}, {head_w, 0, 2}, head_b, 0, 0,
    head_factors, -128, 0, 0, 0
};
static const float head_b_rates[2] = {
    0x1p+14f, 0x1p+14f
};
static const kl_bias head_b_target = {
    head_b, head_b_rates, 2, 1, 1u
};
static const float head_scales[2] = {
    0x1p-8f, 0x1p-8f
};
static const kl_conv_back head_back = {
    {2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {0, 0, 0}, {head_w, 0, 2}, head_scales
};
static const uint16_t head_kept_channels[2] = {
    0, 1
};
static const kl_weight_grad head_weights = {
    {2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, head_kept_channels, 2, -128
};
static const float head_w_rates[2] = {
    0x1p+2f, 0x1p+2f
};
static const kl_target head_w_target = {
    head_w, 0, head_w_rates, 2u
};
static const float narrow_scales[2] = {
    0x1p-8f, 0x1p-8f
};
static const kl_conv_back narrow_back = {
    {12, 1, 64, 2, 1, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {narrow_weight, 0, 12}, {0, 0, 0},
    narrow_scales
};
static const float depthwise_b_rates[12] = {
    0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f,
    0x1p+13f, 0x1p+13f, 0x1p+13f
};
static const kl_bias depthwise_b_target = {
    depthwise_b, depthwise_b_rates, 12, 64, 4u
};
static const float depthwise_scales[12] = {
    0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f, 0x1p-8f,
    0x1p-8f, 0x1p-8f
};
static const kl_conv_back depthwise_back = {
    {12, 8, 8, 12, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 12}, {depthwise_weight, 0, 1}, {0, 0, 0},
    depthwise_scales
};
static const float widen_b_rates[12] = {
    0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f, 0x1p+13f,
    0x1p+13f, 0x1p+13f, 0x1p+13f
};
static const kl_bias widen_b_target = {
    widen_b, widen_b_rates, 12, 64, 5u
};
static const kl_link narrow_links[3] = {
    {0, 0, 0, 0, 0, &narrow_back},
    {AT(uint8_t, 864), &depthwise_b_target, 0, 0, 0, &depthwise_back},
    {AT(uint8_t, 768), &widen_b_target, 0, 0, 0, 0}
};
static const kl_geometry d_narrow__0_window = {
    1, 8, 8, 1, 1, 1, 8, 8, 1, 1, 0, 0, 1, 1, 1
};
static const kl_planes narrow_links_planes = {
    AT(float, 976), &d_narrow__0_window, 0x1p-6f, AT(uint8_t, 960), AT(float, 0)
};
static const float narrow_b_rates[2] = {
    0x1p+13f, 0x1p+13f
};
static const kl_bias narrow_b_target = {
    narrow_b, narrow_b_rates, 2, 64, 3u
};
static const kl_link narrow_own[1] = {
    {0, &narrow_b_target, 0, 0, 0, 0}
};
static const kl_planes narrow_own_planes = {
    AT(float, 976), &d_narrow__0_window, 0x1p-6f, AT(uint8_t, 960), AT(float, 0)
};
static const int32_t widen_b_initial[12] = {
    -50, 50, 150, 250, 350, 450, 550, 650, 750, 850, 950, 1050
};
static const int32_t depthwise_b_initial[12] = {
    -50, 50, 150, 250, 350, 450, 550, 650, 750, 850, 950, 1050
};
static const int32_t narrow_b_initial[2] = {
    -50, 50
};
static const int8_t head_w_initial[4] = {
    -127, -90, -53, -16
};
static const int32_t head_b_initial[2] = {
    -50, 50
};

#define COPY(to, from, count) \
    do { \
        for (int32_t i = 0; i < (count); i++) { \
            (to)[i] = (from)[i]; \
        } \
    } while (0)

void bottleneck_init(uint32_t seed)
{
    randomness.seed = seed;
    randomness.step = 0;
    COPY(widen_b, widen_b_initial, 12);
    COPY(depthwise_b, depthwise_b_initial, 12);
    COPY(narrow_b, narrow_b_initial, 2);
    COPY(head_w, head_w_initial, 4);
    COPY(head_b, head_b_initial, 2);
    (void)seed;
}

int8_t *bottleneck_input(void)
{
    return AT(int8_t, 0);
}

static void load(const int8_t *x)
{
    int8_t *place = bottleneck_input();
    for (int32_t i = 0; x != place && i < BOTTLENECK_INPUT_COUNT; i++) {
        place[i] = x[i];
    }
}

static void infer(void)
{
    /* conv of first: 2 x 8 x 8 int8 */
    kl_conv_forward(&first_conv, AT(int8_t, 0), AT(int8_t, 336), 0);
    /* stream of widen, depthwise, narrow: 2 x 8 x 8 int8 */
    kl_stream(narrow_stages, 3, AT(int8_t, 336), AT(int8_t, 0), 2, AT(int8_t, 336));
    /* average pool of mean: 2 x 1 x 1 int8 */
    kl_average_pool(&mean_window, &mean_scale, AT(int8_t, 336), AT(int8_t, 8), AT(uint8_t, 12));
    /* conv of head: 2 x 1 x 1 float32 */
    kl_conv_float(&head_conv, AT(int8_t, 8), AT(float, 0));
}

const float *bottleneck_forward(const int8_t *x)
{
    load(x);
    infer();
    return AT(float, 0);
}

int bottleneck_train_step(const int8_t *x, int32_t label, float lr, float *loss)
{
    float found;
    if (label < 0 || label >= 2) {
        return BOTTLENECK_BAD_LABEL;
    }
    if (!(lr >= 0.0f && lr <= FLT_MAX)) {
        return BOTTLENECK_BAD_RATE;
    }
    load(x);
    infer();
    /* softmax loss of loss: 1 float32 */
    found = kl_softmax_loss(AT(float, 0), 2, label, AT(float, 0));
    /* bias step of head */
    kl_bias_step(&head_b_target, AT(float, 0), &randomness, lr);
    /* conv grad x of head: 2 x 1 x 1 float32 */
    kl_conv_grad_x(&head_back, AT(float, 0), 0, AT(float, 976));
    /* weight step of head */
    kl_weight_rows(&head_weights, AT(float, 0), AT(int8_t, 8), 0, &head_w_target, &randomness,
        lr);
    /* mask grad of d_mean__0_in: 2 x 1 x 1 float32 */
    kl_mask_grad(AT(float, 976), AT(uint8_t, 12), 0, 2, AT(float, 976));
    /* grad stream of narrow, depthwise, widen */
    kl_grad_stream(narrow_links, 3, &narrow_links_planes, AT(float, 256), AT(float, 512), 0, 0,
        &randomness, lr);
    /* grad stream of narrow */
    kl_own_steps(narrow_own, 2, 64, &narrow_own_planes, &randomness, lr);
    randomness.step++;
    if (loss) {
        *loss = found;
    }
    return BOTTLENECK_OK;
}

/* Bytes on their way into an image, which may be a null pointer, and their CRC. */
typedef struct {
    uint8_t *at;
    uint32_t crc;
} sink;

static void put(sink *s, uint32_t v, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++) {
        const uint8_t byte = (uint8_t)(v >> (8 * k));
        s->crc = kl_crc(s->crc, &byte, 1);
        if (s->at) {
            *s->at++ = byte;
        }
    }
}

#define PUT(values, count, type, unsigned_type) \
    do { \
        for (int32_t i = 0; i < (count); i++) { \
            put(&s, (unsigned_type)(values)[i], sizeof(type)); \
        } \
    } while (0)

#define GET(values, count, type, unsigned_type) \
    do { \
        for (int32_t i = 0; i < (count); i++) { \
            uint32_t v = 0; \
            for (unsigned k = 0; k < sizeof(type); k++) { \
                v |= (uint32_t)*at++ << (8 * k); \
            } \
            (values)[i] = (type)(unsigned_type)v; \
        } \
    } while (0)

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#define MAGIC 0x31544C4Bu
#define FINGERPRINT 0x835B3871u

uint32_t bottleneck_export(uint8_t *image)
{
    sink s = {image, 0};
    put(&s, MAGIC, 4);
    put(&s, FINGERPRINT, 4);
    PUT(widen_b, 12, int32_t, uint32_t);
    PUT(depthwise_b, 12, int32_t, uint32_t);
    PUT(narrow_b, 2, int32_t, uint32_t);
    PUT(head_w, 4, int8_t, uint8_t);
    PUT(head_b, 2, int32_t, uint32_t);
    const uint32_t crc = s.crc;
    put(&s, crc, 4);
    return crc;
}

int bottleneck_import(const uint8_t *image)
{
    const uint8_t *at = image + 8;
    if (get32(image) != MAGIC || get32(image + 4) != FINGERPRINT ||
        get32(image + BOTTLENECK_IMAGE_BYTES - 4) != kl_crc(0, image, BOTTLENECK_IMAGE_BYTES - 4)) {
        return BOTTLENECK_BAD_IMAGE;
    }
    GET(widen_b, 12, int32_t, uint32_t);
    GET(depthwise_b, 12, int32_t, uint32_t);
    GET(narrow_b, 2, int32_t, uint32_t);
    GET(head_w, 4, int8_t, uint8_t);
    GET(head_b, 2, int32_t, uint32_t);
    return BOTTLENECK_OK;
}
