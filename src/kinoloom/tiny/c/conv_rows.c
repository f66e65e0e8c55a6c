/* needs: conv */
/* Rows r0..r1 of every channel; x holds x_rows rows a channel and y y_rows, of which row r is the
   one at r modulo that. The mask must be clear before the first row. */
static void kl_conv_rows(const kl_conv *d, const int8_t *x, int32_t x_rows, int8_t *y,
                         int32_t y_rows, uint8_t *mask, int32_t r0, int32_t r1)
{
    const kl_geometry *g = &d->geometry;
    int32_t sums[KL_STRIP];
    for (int32_t co = 0; co < g->cout; co++) {
        for (int32_t oy = r0; oy < r1; oy++) {
            int8_t *row = y + (co * y_rows + oy % y_rows) * g->ow;
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                kl_conv_sums(d, x, x_rows, co, oy, ox0, n, sums);
                for (int32_t j = 0; j < n; j++) {
                    const int32_t v = kl_requantise(sums[j], d->multipliers[co], d->shifts[co]);
                    row[ox0 + j] = kl_clamp(v + d->y_zero, d->low, d->high, mask,
                                            (co * g->oh + oy) * g->ow + ox0 + j);
                }
            }
        }
    }
}
