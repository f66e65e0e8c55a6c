/* needs: update */
/* A step by a gradient tensor: `rows` of `row` weights each, of the output channels `kept`. */
static inline void kl_weight_step(const kl_target *t, const uint16_t *kept, int32_t rows,
                                  int32_t row, const float *grad, const kl_random *random, float lr)
{
    const uint32_t key = kl_key(random, t->stream);
    for (int32_t i = 0; i < rows * row; i++) {
        const int32_t co = kept ? (int32_t)kept[i / row] : i / row;
        kl_step_weight(t, key, co * row + i % row, lr * t->factors[co] * grad[i]);
    }
}
