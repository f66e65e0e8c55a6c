/* linear: made by kinoloom tiny; do not edit.

   A network of int8 values that runs and learns in 26 bytes of RAM, with 38 bytes of
   constants in flash beside its code. C99 with no heap and no library. All state is in this one
   object: calls must not overlap, from an interrupt or another thread. It takes 2 KiB of stack
   at most (Cortex-M4, gcc -O2). Every machine gives the same bits. */
#ifndef LINEAR_MODEL_H
#define LINEAR_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The input: 3 x 1 x 1 values, channel by channel, row by row;
   value = round(real / LINEAR_INPUT_SCALE) + LINEAR_INPUT_ZERO, clamped to -128..127. */
#define LINEAR_INPUT_COUNT 3
#define LINEAR_INPUT_SCALE 0x1p-6f /* 0.015625 */
#define LINEAR_INPUT_ZERO (-3)
#define LINEAR_OUTPUT_COUNT 2

#define LINEAR_ARENA_BYTES 12 /* input, activations, gradients */
#define LINEAR_PARAM_BYTES 14 /* trained tensors */
#define LINEAR_RAM_BYTES (LINEAR_ARENA_BYTES + LINEAR_PARAM_BYTES)
#define LINEAR_IMAGE_BYTES 26 /* of linear_export */

/* What the functions that can refuse return. */
enum {
    LINEAR_OK = 0,
    LINEAR_BAD_LABEL = 1, /* out of range */
    LINEAR_BAD_RATE = 2,  /* negative, infinite or not a number */
    LINEAR_BAD_IMAGE = 3  /* damaged, or of another program */
};

/* Call this before anything else: trained tensors get their first values. The seed is that of the
   random rounding of updates; the same seed and the same steps give the same weights. */
void linear_init(uint32_t seed);

/* Where the next input may be written in place: LINEAR_INPUT_COUNT values. Give this pointer to
   linear_forward or linear_train_step and nothing is copied. Both use the place for other things. */
int8_t *linear_input(void);

/* Run the network on LINEAR_INPUT_COUNT values. The LINEAR_OUTPUT_COUNT outputs are real numbers
   (logits); they stay until the next call. */
const float *linear_forward(const int8_t *x);

/* One step of stochastic gradient descent on one example, with learning rate lr from 0 up.
   label: the class, 0..LINEAR_OUTPUT_COUNT - 1.
   loss: gets the loss before the step; may be a null pointer.
   Returns LINEAR_OK, LINEAR_BAD_LABEL or LINEAR_BAD_RATE; what is refused changes nothing. */
int linear_train_step(const int8_t *x, int32_t label, float lr, float *loss);

/* Write the trained tensors to LINEAR_IMAGE_BYTES bytes: a magic number, a fingerprint of the
   program, the values (little-endian), and a CRC-32 of all that, which is returned as well. The
   image may be a null pointer: only the CRC is worked out. It is good on every machine. */
uint32_t linear_export(uint8_t *image);

/* Take the trained tensors from such an image. Returns LINEAR_OK, or LINEAR_BAD_IMAGE for one
   that is damaged or of another program; then nothing is changed. */
int linear_import(const uint8_t *image);

#ifdef __cplusplus
}
#endif

#endif

/* All that lives no longer than a call: each tensor has its own bytes while it is needed. A piece
   that is used again holds values of another type only after it was written as that type. */
static union {
    float aligned;
    uint8_t bytes[LINEAR_ARENA_BYTES];
} arena;

#define AT(type, offset) ((type *)(void *)(arena.bytes + (offset)))

static kl_random randomness;

/* Trained tensors: they outlive a call. */
static int8_t head_w[6];
static int32_t head_b[2];

/* Constants: weights, factors, and what each operation is told. */
static const float head_factors[2] = {
    0x1p-14f, 0x1p-14f
};
static const kl_conv head_conv = {
    {3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, {0, 0, 0}, {head_w, 0, 3}, head_b, 0, 0,
    head_factors, -3, 0, 0, 0
};
static const uint16_t head_kept_channels[3] = {
    0, 1, 2
};
static const kl_weight_grad head_weights = {
    {3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}, head_kept_channels, 3, -3
};
static const float head_w_rates[2] = {
    0x1p+2f, 0x1p+2f
};
static const kl_target head_w_target = {
    head_w, 0, head_w_rates, 2u
};
static const float head_b_rates[2] = {
    0x1p+14f, 0x1p+14f
};
static const kl_bias head_b_target = {
    head_b, head_b_rates, 2, 1, 1u
};
static const int8_t head_w_initial[6] = {
    -127, -90, -53, -16, 21, 58
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

void linear_init(uint32_t seed)
{
    randomness.seed = seed;
    randomness.step = 0;
    COPY(head_w, head_w_initial, 6);
    COPY(head_b, head_b_initial, 2);
    (void)seed;
}

int8_t *linear_input(void)
{
    return AT(int8_t, 8);
}

static void load(const int8_t *x)
{
    int8_t *place = linear_input();
    for (int32_t i = 0; x != place && i < LINEAR_INPUT_COUNT; i++) {
        place[i] = x[i];
    }
}

static void infer(void)
{
    /* conv of head: 2 x 1 x 1 float32 */
    kl_conv_float(&head_conv, AT(int8_t, 8), AT(float, 0));
}

const float *linear_forward(const int8_t *x)
{
    load(x);
    infer();
    return AT(float, 0);
}

int linear_train_step(const int8_t *x, int32_t label, float lr, float *loss)
{
    float found;
    if (label < 0 || label >= 2) {
        return LINEAR_BAD_LABEL;
    }
    if (!(lr >= 0.0f && lr <= FLT_MAX)) {
        return LINEAR_BAD_RATE;
    }
    load(x);
    infer();
    /* softmax loss of loss: 1 float32 */
    found = kl_softmax_loss(AT(float, 0), 2, label, AT(float, 0));
    /* weight step of head */
    kl_weight_rows(&head_weights, AT(float, 0), AT(int8_t, 8), 0, &head_w_target, &randomness,
        lr);
    /* bias step of head */
    kl_bias_step(&head_b_target, AT(float, 0), &randomness, lr);
    randomness.step++;
    if (loss) {
        *loss = found;
    }
    return LINEAR_OK;
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
#define FINGERPRINT 0x91F4BBA1u

uint32_t linear_export(uint8_t *image)
{
    sink s = {image, 0};
    put(&s, MAGIC, 4);
    put(&s, FINGERPRINT, 4);
    PUT(head_w, 6, int8_t, uint8_t);
    PUT(head_b, 2, int32_t, uint32_t);
    const uint32_t crc = s.crc;
    put(&s, crc, 4);
    return crc;
}

int linear_import(const uint8_t *image)
{
    const uint8_t *at = image + 8;
    if (get32(image) != MAGIC || get32(image + 4) != FINGERPRINT ||
        get32(image + LINEAR_IMAGE_BYTES - 4) != kl_crc(0, image, LINEAR_IMAGE_BYTES - 4)) {
        return LINEAR_BAD_IMAGE;
    }
    GET(head_w, 6, int8_t, uint8_t);
    GET(head_b, 2, int32_t, uint32_t);
    return LINEAR_OK;
}
