/* needs: conv */
/* Convolutions one behind the other, row by row. Ring i holds the last rows of result i. */
typedef struct {
    const kl_conv *conv;
    uint8_t *mask;
    int32_t ring; /* rows; for the last one, all */
} kl_stage;

static void kl_stream(const kl_stage *stages, int32_t count, const int8_t *x, int8_t *rings,
                      int8_t *y)
{
    int8_t *results[KL_MOST_STAGES];
    int32_t done[KL_MOST_STAGES];
    for (int32_t i = 0; i < count; i++) {
        const kl_geometry *g = &stages[i].conv->geometry;
        results[i] = i < count - 1 ? rings : y;
        done[i] = 0;
        rings += i < count - 1 ? g->cout * g->ow * stages[i].ring : 0;
        kl_clear_mask(stages[i].mask, g->cout * g->oh * g->ow);
    }
    while (done[count - 1] < stages[count - 1].conv->geometry.oh) {
        int32_t i = count - 1;
        for (; i > 0; i--) { /* go back to the first one that has all that its next row needs */
            const kl_geometry *g = &stages[i].conv->geometry;
            const int32_t below = done[i] * g->sy - g->py + (g->kh - 1) * g->dy + 1;
            if (done[i - 1] >= (below < g->ih ? below : g->ih)) {
                break;
            }
        }
        kl_conv_rows(stages[i].conv, i ? results[i - 1] : x,
                     i ? stages[i - 1].ring : stages[0].conv->geometry.ih, results[i],
                     stages[i].ring, stages[i].mask, done[i], done[i] + 1);
        done[i]++;
    }
}
