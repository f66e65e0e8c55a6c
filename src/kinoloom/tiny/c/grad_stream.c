/* needs: conv_grad_x weights bias grad pool */
/* The backward pass of a chain of convolutions, computed by channel of the intermediate gradients:
   a dense convolution, any number of depthwise ones, and a dense one, in backward order. */
typedef struct {
    const uint8_t *mask;           /* of the output; null without a clamp */
    const kl_bias *bias;           /* bias to update, or null */
    const kl_weight_grad *weights; /* weights to update, or null */
    const kl_target *target;
    const int8_t *x;
    const kl_conv_back *back; /* null if no input gradient is needed */
} kl_link;

/* The source of gradient planes: either they are stored at g, or g is the gradient of an average
   pooling, and each plane is computed in `plane` when it is read. */
typedef struct {
    const float *g;
    const kl_geometry *window; /* of one channel of the pooling, or null */
    float share;
    const uint8_t *mask; /* null without a clamp */
    float *plane;
} kl_planes;

static const float *kl_plane(const kl_planes *p, int32_t c, int32_t pixels)
{
    if (!p->window) {
        return p->g + c * pixels;
    }
    kl_average_pool_grad(p->window, p->share, p->g + c * p->window->oh * p->window->ow, p->plane);
    if (p->mask) {
        kl_mask_grad(p->plane, p->mask, c * pixels, pixels, p->plane);
    }
    return p->plane;
}

/* Return whether a sorted table contains a channel, and its position. */
static int kl_find(const uint16_t *channels, int32_t count, int32_t channel, int32_t *place)
{
    int32_t low = 0, high = channels ? count : 0;
    while (low < high) {
        const int32_t middle = (low + high) / 2;
        if (channels[middle] < channel) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *place = channels ? low : channel;
    return channels ? low < count && channels[low] == channel : channel < count;
}

/* Compute the gradient plane of input channel c of a dense convolution. */
static void kl_dense_plane(const kl_conv_back *d, int32_t c, const kl_planes *gy, float *gx)
{
    const kl_geometry *g = &d->geometry;
    int32_t place;
    const kl_part *part =
        kl_find(d->trained.channels, d->trained.count, c, &place) ? &d->trained : &d->frozen;
    kl_find(part->channels, part->count, c, &place);
    const int32_t pixels = g->oh * g->ow, step = part->count * g->kh * g->kw;
    const int8_t *w = part->weights + place * g->kh * g->kw;
    int32_t co = 0;
    kl_zero(gx, g->ih * g->iw);
    for (; kl_pointwise(g) && !gy->window && co + 1 < g->cout; co += 2, w += 2 * step) {
        const float a = d->scales[co] * (float)w[0], b = d->scales[co + 1] * (float)w[step];
        kl_add_two(a, gy->g + co * pixels, b, gy->g + (co + 1) * pixels, pixels, gx);
    }
    for (; co < g->cout; co++, w += step) {
        kl_conv_grad_plane(d, co, w, kl_plane(gy, co, pixels), gx);
    }
}

/* Compute the gradient plane of channel c of a depthwise convolution. */
static void kl_depthwise_plane(const kl_conv_back *d, int32_t c, const float *gy, float *gx)
{
    const kl_geometry *g = &d->geometry;
    const kl_part *part = d->trained.count ? &d->trained : &d->frozen;
    kl_zero(gx, g->ih * g->iw);
    kl_conv_grad_plane(d, c, part->weights + c * g->kh * g->kw, gy, gx);
}

/* Add the contribution of output channel c of a dense convolution, whose gradient plane is gy, to
   the gradients of all input channels. */
static void kl_dense_spread(const kl_conv_back *d, const kl_part *part, int32_t c, const float *gy,
                            float *gx)
{
    const kl_geometry *g = &d->geometry;
    for (int32_t j = 0; j < part->count; j++) {
        const int32_t ci = part->channels ? (int32_t)part->channels[j] : j;
        kl_conv_grad_plane(d, c, part->weights + (c * part->count + j) * g->kh * g->kw, gy,
                           gx + ci * g->ih * g->iw);
    }
}

/* Update a depthwise or dense convolution by the gradient plane of its output channel c. */
static void kl_link_step(const kl_link *l, int32_t c, const float *gy, const kl_random *random,
                         float lr)
{
    int32_t place;
    if (l->bias) {
        kl_bias_one(l->bias, c, gy, kl_key(random, l->bias->stream), lr);
    }
    if (l->weights && (l->weights->geometry.groups == 1 ||
                       kl_find(l->weights->kept, l->weights->count, c, &place))) {
        kl_weight_row(l->weights, c, gy, l->x, 0, l->target, kl_key(random, l->target->stream),
                      lr);
    }
}

/* Update one convolution by gradient planes that are computed when they are read. */
static inline void kl_own_steps(const kl_link *l, int32_t channels, int32_t pixels,
                                const kl_planes *planes, const kl_random *random, float lr)
{
    for (int32_t c = 0; c < channels; c++) {
        kl_link_step(l, c, kl_plane(planes, c, pixels), random, lr);
    }
}

/* Run the backward pass of a chain; `even` and `odd` are alternating buffers of one plane. */
static inline void kl_grad_stream(const kl_link *links, int32_t count, const kl_planes *planes,
                                  float *even, float *odd, const float *onto, float *gx,
                                  const kl_random *random, float lr)
{
    const kl_geometry *outer = &links[0].back->geometry;
    const kl_conv_back *inner = links[count - 1].back;
    if (inner) {
        kl_begin(&inner->geometry, onto, gx);
    }
    for (int32_t c = 0; c < outer->cin; c++) {
        float *here = even, *next = odd;
        int32_t pixels = outer->ih * outer->iw;
        kl_dense_plane(links[0].back, c, planes, here);
        for (const kl_link *l = links + 1; l < links + count; l++) {
            if (l->mask) {
                kl_mask_grad(here, l->mask, c * pixels, pixels, here);
            }
            if (l->back == inner && inner) {
                kl_dense_spread(inner, &inner->frozen, c, here, gx);
                kl_dense_spread(inner, &inner->trained, c, here, gx);
            } else if (l->back) {
                pixels = l->back->geometry.ih * l->back->geometry.iw;
                kl_depthwise_plane(l->back, c, here, next);
            }
            kl_link_step(l, c, here, random, lr);
            if (l->back) {
                float *const done = here;
                here = next;
                next = done;
            }
        }
    }
}
