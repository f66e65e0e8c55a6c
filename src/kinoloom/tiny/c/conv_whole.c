/* needs: conv_rows */
static void kl_conv_forward(const kl_conv *d, const int8_t *x, int8_t *y, uint8_t *mask)
{
    const kl_geometry *g = &d->geometry;
    kl_clear_mask(mask, g->cout * g->oh * g->ow);
    kl_conv_rows(d, x, g->ih, y, g->oh, mask, 0, g->oh);
}
