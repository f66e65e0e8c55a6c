/* picture: made by kinoloom tiny; do not edit.

   A network of int8 values that runs and learns in 119 bytes of RAM, with 135 bytes of
   constants in flash beside its code. C99 with no heap and no library. All state is in this one
   object: calls must not overlap, from an interrupt or another thread. It takes 2 KiB of stack
   at most (Cortex-M4, gcc -O2). Every machine gives the same bits. */
#ifndef PICTURE_MODEL_H
#define PICTURE_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The input: 2 x 4 x 5 values, channel by channel, row by row;
   value = round(real / PICTURE_INPUT_SCALE) + PICTURE_INPUT_ZERO, clamped to -128..127. */
#define PICTURE_INPUT_COUNT 40
#define PICTURE_INPUT_SCALE 0x1p-6f /* 0.015625 */
#define PICTURE_INPUT_ZERO (-3)
#define PICTURE_OUTPUT_COUNT 2

#define PICTURE_ARENA_BYTES 80 /* input, activations, gradients */
#define PICTURE_PARAM_BYTES 39 /* trained tensors */
#define PICTURE_RAM_BYTES (PICTURE_ARENA_BYTES + PICTURE_PARAM_BYTES)
#define PICTURE_IMAGE_BYTES 51 /* of picture_export */

/* What the functions that can refuse return. */
enum {
    PICTURE_OK = 0,
    PICTURE_BAD_LABEL = 1, /* a null pointer */
    PICTURE_BAD_RATE = 2,  /* negative, infinite or not a number */
    PICTURE_BAD_IMAGE = 3  /* damaged, or of another program */
};

/* Call this before anything else: trained tensors get their first values. The seed is that of the
   random rounding of updates; the same seed and the same steps give the same weights. */
void picture_init(uint32_t seed);

/* Where the next input may be written in place: PICTURE_INPUT_COUNT values. Give this pointer to
   picture_forward or picture_train_step and nothing is copied. Both use the place for other things. */
int8_t *picture_input(void);

/* Run the network on PICTURE_INPUT_COUNT values. The PICTURE_OUTPUT_COUNT outputs are real numbers
   (its last layer as it is); they stay until the next call. */
const float *picture_forward(const int8_t *x);

/* One step of stochastic gradient descent on one example, with learning rate lr from 0 up.
   label: the target, PICTURE_OUTPUT_COUNT real numbers.
   loss: gets the loss before the step; may be a null pointer.
   Returns PICTURE_OK, PICTURE_BAD_LABEL or PICTURE_BAD_RATE; what is refused changes nothing. */
int picture_train_step(const int8_t *x, const float *label, float lr, float *loss);

/* Write the trained tensors to PICTURE_IMAGE_BYTES bytes: a magic number, a fingerprint of the
   program, the values (little-endian), and a CRC-32 of all that, which is returned as well. The
   image may be a null pointer: only the CRC is worked out. It is good on every machine. */
uint32_t picture_export(uint8_t *image);

/* Take the trained tensors from such an image. Returns PICTURE_OK, or PICTURE_BAD_IMAGE for one
   that is damaged or of another program; then nothing is changed. */
int picture_import(const uint8_t *image);

#ifdef __cplusplus
}
#endif

#endif

/* All that lives no longer than a call: each tensor has its own bytes while it is needed. A piece
   that is used again holds values of another type only after it was written as that type. */
static union {
    float aligned;
    uint8_t bytes[PICTURE_ARENA_BYTES];
} arena;

#define AT(type, offset) ((type *)(void *)(arena.bytes + (offset)))

static kl_random randomness;

/* Trained tensors: they outlive a call. */
static int8_t edges_w[27];
static int32_t edges_b[3];

/* Constants: weights, factors, and what each operation is told. */
static const int8_t edges_rest[27] = {
    -49, -12, 25, 62, 99, -119, -82, -45, -8, 107, -111, -74, -37, 0, 37, 74, 111, -107, 8, 45,
    82, 119, -99, -62, -25, 12, 49
};
static const uint16_t edges_rest_channels[1] = {
    1
};
static const uint16_t edges_w_channels[1] = {
    0
};
static const int32_t edges_multipliers[3] = {
    1073741824, 1073741824, 1073741824
};
static const uint8_t edges_shifts[3] = {
    39, 39, 39
};
static const kl_conv edges_conv = {
    {2, 4, 5, 3, 2, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1}, {edges_rest, edges_rest_channels, 1},
    {edges_w, edges_w_channels, 1}, edges_b, edges_multipliers, edges_shifts, 0, -3, -128, -128,
    127
};
static const kl_geometry mean_window = {
    3, 2, 3, 3, 1, 1, 2, 3, 1, 1, 0, 0, 1, 1, 1
};
static const kl_scale mean_scale = {
    -128, -128, 1431655765, -128, 127, 3, 32
};
static const int8_t head_weight[6] = {
    -127, -90, -53, -16, 21, 58
};
static const int32_t head_bias[2] = {
    -50, 50
};
static const float head_factors[2] = {
    0x1p-14f, 0x1p-14f
};
static const kl_conv head_conv = {
    {3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {head_weight, 0, 3}, {0, 0, 0}, head_bias, 0,
    0, head_factors, -128, 0, 0, 0
};
static const float head_scales[2] = {
    0x1p-8f, 0x1p-8f
};
static const kl_conv_back head_back = {
    {3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {head_weight, 0, 3}, {0, 0, 0}, head_scales
};
static const uint16_t edges_kept_channels[1] = {
    0
};
static const kl_weight_grad edges_weights = {
    {2, 4, 5, 3, 2, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1}, edges_kept_channels, 1, -3
};
static const float edges_w_rates[3] = {
    0x1p+2f, 0x1p+2f, 0x1p+2f
};
static const kl_target edges_w_target = {
    edges_w, 0, edges_w_rates, 2u
};
static const float edges_b_rates[3] = {
    0x1p+14f, 0x1p+14f, 0x1p+14f
};
static const kl_bias edges_b_target = {
    edges_b, edges_b_rates, 3, 6, 1u
};
static const kl_link edges_own[1] = {
    {0, &edges_b_target, &edges_weights, &edges_w_target, AT(int8_t, 0), 0}
};
static const kl_geometry d_edges__0_window = {
    1, 2, 3, 1, 1, 1, 2, 3, 1, 1, 0, 0, 1, 1, 1
};
static const kl_planes edges_own_planes = {
    AT(float, 44), &d_edges__0_window, 0x1.555556p-3f, AT(uint8_t, 40), AT(float, 56)
};
static const int8_t edges_w_initial[27] = {
    -127, -90, -53, -16, 21, 58, 95, -123, -86, 29, 66, 103, -115, -78, -41, -4, 33, 70, -70,
    -33, 4, 41, 78, 115, -103, -66, -29
};
static const int32_t edges_b_initial[3] = {
    -50, 50, 150
};

#define COPY(to, from, count) \
    do { \
        for (int32_t i = 0; i < (count); i++) { \
            (to)[i] = (from)[i]; \
        } \
    } while (0)

void picture_init(uint32_t seed)
{
    randomness.seed = seed;
    randomness.step = 0;
    COPY(edges_w, edges_w_initial, 27);
    COPY(edges_b, edges_b_initial, 3);
    (void)seed;
}

int8_t *picture_input(void)
{
    return AT(int8_t, 0);
}

static void load(const int8_t *x)
{
    int8_t *place = picture_input();
    for (int32_t i = 0; x != place && i < PICTURE_INPUT_COUNT; i++) {
        place[i] = x[i];
    }
}

static void infer(void)
{
    /* conv of edges: 3 x 2 x 3 int8 */
    kl_conv_forward(&edges_conv, AT(int8_t, 0), AT(int8_t, 44), AT(uint8_t, 40));
    /* average pool of mean: 3 x 1 x 1 int8 */
    kl_average_pool(&mean_window, &mean_scale, AT(int8_t, 44), AT(int8_t, 64), AT(uint8_t, 68));
    /* conv of head: 2 x 1 x 1 float32 */
    kl_conv_float(&head_conv, AT(int8_t, 64), AT(float, 56));
}

const float *picture_forward(const int8_t *x)
{
    load(x);
    infer();
    return AT(float, 56);
}

int picture_train_step(const int8_t *x, const float *label, float lr, float *loss)
{
    float found;
    if (label == 0) {
        return PICTURE_BAD_LABEL;
    }
    if (!(lr >= 0.0f && lr <= FLT_MAX)) {
        return PICTURE_BAD_RATE;
    }
    load(x);
    infer();
    /* mse loss of loss: 1 float32 */
    found = kl_square_loss(AT(float, 56), 2, label, AT(float, 56));
    /* conv grad x of head: 3 x 1 x 1 float32 */
    kl_conv_grad_x(&head_back, AT(float, 56), 0, AT(float, 44));
    /* mask grad of d_mean__0_in: 3 x 1 x 1 float32 */
    kl_mask_grad(AT(float, 44), AT(uint8_t, 68), 0, 3, AT(float, 44));
    /* grad stream of edges */
    kl_own_steps(edges_own, 3, 6, &edges_own_planes, &randomness, lr);
    randomness.step++;
    if (loss) {
        *loss = found;
    }
    return PICTURE_OK;
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
#define FINGERPRINT 0xBAE79075u

uint32_t picture_export(uint8_t *image)
{
    sink s = {image, 0};
    put(&s, MAGIC, 4);
    put(&s, FINGERPRINT, 4);
    PUT(edges_w, 27, int8_t, uint8_t);
    PUT(edges_b, 3, int32_t, uint32_t);
    const uint32_t crc = s.crc;
    put(&s, crc, 4);
    return crc;
}

int picture_import(const uint8_t *image)
{
    const uint8_t *at = image + 8;
    if (get32(image) != MAGIC || get32(image + 4) != FINGERPRINT ||
        get32(image + PICTURE_IMAGE_BYTES - 4) != kl_crc(0, image, PICTURE_IMAGE_BYTES - 4)) {
        return PICTURE_BAD_IMAGE;
    }
    GET(edges_w, 27, int8_t, uint8_t);
    GET(edges_b, 3, int32_t, uint32_t);
    return PICTURE_OK;
}
