/* needs: conv */
/* Convolutions one behind the other, row by row. Each result but the last has a ring of its rows.
   Where a depthwise convolution follows, both go channel by channel: the rows that only one row of
   the depthwise result sees are in a ring that all channels take in turn. */
typedef struct {
    const kl_conv *conv;
    uint8_t *mask;
    int32_t kept; /* rows of the ring of its result; for the last one, all */
    int32_t work; /* rows of the ring in turn, if it and the next one go channel by channel; else 0 */
} kl_stage;

typedef struct {
    const int8_t *x;
    int8_t *y;
    kl_lines of_x, of_y;
    int32_t group; /* channels of the result that lie together */
    int32_t done;  /* rows of the result that were made */
} kl_flow;

/* How many rows of the input, from the first on, `rows` rows of the result need. */
static int32_t kl_rows_for(const kl_geometry *g, int32_t rows)
{
    const int32_t below = (rows - 1) * g->sy - g->py + (g->kh - 1) * g->dy + 1;
    return rows == 0 || below < 0 ? 0 : below < g->ih ? below : g->ih;
}

/* Rows of the result that there are after the next pass of a stage. */
static int32_t kl_next(const kl_stage *s, const kl_flow *f)
{
    if (!s->work) {
        return f->done + 1;
    }
    const kl_geometry *after = &s[1].conv->geometry;
    const int32_t rows = kl_rows_for(after, f[1].done + 1);
    return f->done + after->sy < rows ? f->done + after->sy : rows;
}

/* The new rows of all channels, a group of them after the other. */
static void kl_stage_pass(const kl_stage *s, kl_flow *f, int32_t rows)
{
    const kl_geometry *g = &s->conv->geometry;
    for (int32_t c = 0; c < g->cout; c += f->group) {
        kl_piece part = {f->x,     f->y + c * g->oh * g->ow, s->mask, f->of_x, f->of_y, c,
                         c + f->group, f->done,              rows};
        part.of_y.first = c;
        kl_conv_piece(s->conv, &part);
    }
    f->done = rows;
}

/* Rows r0 .. r1 of a channel from one place to another. */
static void kl_move(const int8_t *from, const kl_lines *a, int8_t *to, const kl_lines *b, int32_t c,
                    int32_t r0, int32_t r1)
{
    for (int32_t r = r0; r < r1; r++) {
        const int8_t *source = from + kl_line(a, c, r);
        int8_t *place = to + kl_line(b, c, r);
        for (int32_t j = 0; j < b->row; j++) {
            place[j] = source[j];
        }
    }
}

/* The new rows of each channel, and a row of the depthwise result if they are all that it needs. */
static void kl_pair_pass(const kl_stage *s, kl_flow *f, int32_t rows, int8_t *work)
{
    const kl_geometry *g = &s->conv->geometry, *after = &s[1].conv->geometry;
    const int32_t whole = rows >= kl_rows_for(after, f[1].done + 1), n = g->groups == 1 ? 2 : 1;
    const int32_t old = f->done > s->kept ? f->done - s->kept : 0;
    const int32_t fresh = rows - s->kept > f->done ? rows - s->kept : f->done;
    for (int32_t c = 0; c < g->cout; c += n) {
        const int32_t end = c + n < g->cout ? c + n : g->cout;
        const kl_lines turn = {c, s->work * g->ow, g->ow, s->work};
        const kl_piece first = {f->x, work, s->mask, f->of_x, turn, c, end, f->done, rows};
        const kl_piece second = {work, f[1].y, s[1].mask, turn, f[1].of_y, c, end, f[1].done,
                                 f[1].done + 1};
        for (int32_t k = c; k < end; k++) {
            kl_move(f->y, &f->of_y, work, &turn, k, old, f->done);
        }
        kl_conv_piece(s->conv, &first);
        if (whole) {
            kl_conv_piece(s[1].conv, &second);
        }
        for (int32_t k = c; k < end; k++) {
            kl_move(work, &turn, f->y, &f->of_y, k, fresh, rows);
        }
    }
    f->done = rows;
    f[1].done += whole;
}

/* Where the line of a place in (channels, rows) is in (rows, channels). */
static inline int32_t kl_turned(int32_t place, int32_t rows, int32_t channels)
{
    return place % rows * channels + place / rows;
}

/* An array (rows, channels, columns) becomes (channels, rows, columns) in place: lines move in
   circles, and a circle is moved when its first place is met. */
static void kl_to_planes(int8_t *y, int32_t rows, int32_t channels, int32_t columns)
{
    for (int32_t first = 1; first < rows * channels; first++) {
        int32_t at = first, from = kl_turned(at, rows, channels);
        while (from > first) {
            from = kl_turned(from, rows, channels);
        }
        if (from < first) {
            continue;
        }
        while ((from = kl_turned(at, rows, channels)) != first) {
            for (int32_t j = 0; j < columns; j++) {
                const int8_t moved = y[at * columns + j];
                y[at * columns + j] = y[from * columns + j];
                y[from * columns + j] = moved;
            }
            at = from;
        }
    }
}

/* The stage that a pass of stage i begins with: a depthwise one may go with the one before it. */
static inline int32_t kl_head_of(const kl_stage *stages, int32_t i)
{
    return i > 0 && stages[i - 1].work ? i - 1 : i;
}

/* `over`: the result lies where x does, in so many groups of channels. Rows of a group are gathered
   one after the other, on rows of x that nobody needs any more, and are brought in order at the end. */
static void kl_stream(const kl_stage *stages, int32_t count, const int8_t *x, int8_t *rings,
                      int32_t over, int8_t *y)
{
    kl_flow flows[KL_MOST_STAGES];
    const kl_geometry *last = &stages[count - 1].conv->geometry;
    for (int32_t i = 0; i < count; i++) {
        const kl_geometry *g = &stages[i].conv->geometry;
        kl_flow *f = flows + i;
        f->x = i ? f[-1].y : x;
        f->of_x = i ? f[-1].of_y : kl_whole(g->ih, g->iw);
        f->y = i < count - 1 ? rings : y;
        f->of_y = kl_whole(stages[i].kept, g->ow);
        f->group = g->cout;
        f->done = 0;
        rings += i < count - 1 ? g->cout * stages[i].kept * g->ow : 0;
        kl_clear_mask(stages[i].mask, g->cout * g->oh * g->ow);
    }
    if (over) {
        kl_flow *f = flows + (count - 1);
        f->group = last->cout / over;
        f->of_y.plane = last->ow;
        f->of_y.row = f->group * last->ow;
    }
    while (flows[count - 1].done < last->oh) {
        int32_t i = kl_head_of(stages, count - 1);
        while (i > 0 && flows[i - 1].done < kl_rows_for(&stages[i].conv->geometry,
                                                        kl_next(stages + i, flows + i))) {
            i = kl_head_of(stages, i - 1); /* back to the first that has all that it needs */
        }
        if (stages[i].work) {
            kl_pair_pass(stages + i, flows + i, kl_next(stages + i, flows + i), rings);
        } else {
            kl_stage_pass(stages + i, flows + i, kl_next(stages + i, flows + i));
        }
    }
    for (int32_t i = 0; i < over; i++) {
        const int32_t group = last->cout / over;
        kl_to_planes(y + i * group * last->oh * last->ow, last->oh, group, last->ow);
    }
}
