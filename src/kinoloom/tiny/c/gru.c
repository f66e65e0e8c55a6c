/* needs: conv */
/* A gated recurrent unit. Gate inputs are in units of 2**-11, gates and the state in 2**-15. */
typedef struct {
    kl_conv of_input, of_state;
    const float *scales; /* of the state weights */
} kl_gru;

typedef struct {
    int32_t reset, update, candidate, of_state;
} kl_gates;

/* Return the logistic function by linear interpolation in a table. */
static inline int32_t kl_gate(int32_t v)
{
    static const uint16_t table[258] = {KL_GATES};
    const int32_t place = (v > 16384 ? 16384 : v < -16384 ? -16384 : v) + 16384;
    const int32_t low = table[place >> 7], high = table[(place >> 7) + 1];
    return low + (((high - low) * (place & 127) + 64) >> 7);
}

static inline int32_t kl_gate_in(const kl_conv *d, const int8_t *x, int32_t channel, int32_t t)
{
    int32_t sum;
    const kl_lines lines = kl_whole(1, d->geometry.iw);
    const kl_strip column = {x, &lines, channel, 0, t, 1, &sum, 0};
    kl_conv_sums(d, &column);
    sum = kl_requantise(sum, d->multipliers[channel], d->shifts[channel]);
    return sum > KL_GATE_LIMIT ? KL_GATE_LIMIT : sum < -KL_GATE_LIMIT ? -KL_GATE_LIMIT : sum;
}

/* Compute the gates of unit j at time t; y contains the previous states. */
static inline kl_gates kl_gates_at(const kl_gru *d, const int8_t *x, const int8_t *y, int32_t j, int32_t t)
{
    const int32_t units = d->of_state.geometry.cin;
    kl_gates k;
    k.reset = kl_gate(kl_gate_in(&d->of_input, x, j, t) + kl_gate_in(&d->of_state, y, j, t));
    j += units;
    k.update = kl_gate(kl_gate_in(&d->of_input, x, j, t) + kl_gate_in(&d->of_state, y, j, t));
    j += units;
    k.of_state = kl_gate_in(&d->of_state, y, j, t);
    const int32_t sum = kl_gate_in(&d->of_input, x, j, t) +
                        kl_shift_rounded((int64_t)k.reset * k.of_state, 15);
    k.candidate = 2 * kl_gate(2 * sum) - 32768;
    return k;
}

static inline void kl_gru_forward(const kl_gru *d, const int8_t *x, float *carried, int8_t *y)
{
    const int32_t units = d->of_state.geometry.cin, time = d->of_state.geometry.ow;
    for (int32_t j = 0; j < units; j++) {
        carried[j] = 0.0f;
    }
    for (int32_t t = 0; t < time; t++) {
        for (int32_t j = 0; j < units; j++) {
            const kl_gates k = kl_gates_at(d, x, y, j, t);
            const int32_t old = (int32_t)carried[j];
            const int32_t state =
                k.candidate + kl_shift_rounded((int64_t)k.update * (old - k.candidate), 15);
            carried[j] = (float)state;
            const int32_t v = kl_shift_rounded(state, 8);
            y[j * time + t] = (int8_t)(v > 127 ? 127 : v < -127 ? -127 : v);
        }
    }
}

/* Add the gradient of the previous state, from the gate gradients at time t and one part of the
   weights. */
static inline void kl_gru_carry(const kl_gru *d, const kl_part *part, const float *g, int32_t t,
                         float *carried)
{
    const kl_geometry *geometry = &d->of_state.geometry;
    for (int32_t j = 0; j < part->count; j++) {
        float sum = 0.0f;
        for (int32_t c = 0; c < geometry->cout; c++) {
            const float weight = d->scales[c] * (float)part->weights[c * part->count + j];
            sum += weight * g[c * geometry->ow + t];
        }
        carried[part->channels ? (int32_t)part->channels[j] : j] += sum;
    }
}

static inline void kl_gru_grad(const kl_gru *d, const float *gy, const int8_t *x, const int8_t *y,
                        float *carried, float *g_in, float *g_state)
{
    const int32_t units = d->of_state.geometry.cin, time = d->of_state.geometry.ow;
    for (int32_t j = 0; j < units; j++) {
        carried[j] = 0.0f;
    }
    for (int32_t t = time - 1; t >= 0; t--) {
        for (int32_t j = 0; j < units; j++) {
            const kl_gates k = kl_gates_at(d, x, y, j, t);
            const float r = (float)k.reset * KL_2_POW_M15, u = (float)k.update * KL_2_POW_M15;
            const float n = (float)k.candidate * KL_2_POW_M15;
            const float before = t ? (float)y[j * time + t - 1] * KL_2_POW_M7 : 0.0f;
            const float g = gy[j * time + t] + carried[j];
            const float g_new = g * (1.0f - u) * (1.0f - n * n);
            const float g_reset = g_new * ((float)k.of_state * KL_2_POW_M11) * r * (1.0f - r);
            const float g_update = g * (before - n) * u * (1.0f - u);
            const int32_t at = j * time + t, third = units * time;
            g_in[at] = g_state[at] = g_reset;
            g_in[third + at] = g_state[third + at] = g_update;
            g_in[2 * third + at] = g_new;
            g_state[2 * third + at] = g_new * r;
            carried[j] = g * u;
        }
        kl_gru_carry(d, &d->of_state.frozen, g_state, t, carried);
        kl_gru_carry(d, &d->of_state.trained, g_state, t, carried);
    }
}
