/* needs: conv */
/* A convolution whose sums become reals: the head of a network. */
static void kl_conv_float(const kl_conv *d, const int8_t *x, float *y)
{
    const kl_geometry *g = &d->geometry;
    int32_t sums[KL_STRIP];
    for (int32_t co = 0; co < g->cout; co++) {
        for (int32_t oy = 0; oy < g->oh; oy++) {
            for (int32_t ox0 = 0; ox0 < g->ow; ox0 += KL_STRIP) {
                const int32_t n = g->ow - ox0 < KL_STRIP ? g->ow - ox0 : KL_STRIP;
                kl_conv_sums(d, x, g->ih, co, oy, ox0, n, sums);
                for (int32_t j = 0; j < n; j++) {
                    y[(co * g->oh + oy) * g->ow + ox0 + j] = (float)sums[j] * d->factors[co];
                }
            }
        }
    }
}
