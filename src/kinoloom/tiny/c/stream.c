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

/* A result, or the input, which is there from the beginning. */
typedef struct {
    const int8_t *from; /* where it is read */
    int8_t *to;         /* the same place, where it is written */
    kl_lines lines;
    int32_t done; /* rows that were made */
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

/* The new rows of all channels, a group of them after the other; f[-1] is what is read. */
static void kl_stage_pass(const kl_stage *s, kl_flow *f, int32_t rows, int32_t group)
{
    const kl_geometry *g = &s->conv->geometry;
    for (int32_t c = 0; c < g->cout; c += group) {
        kl_piece part = {f[-1].from, f->to, s->mask, f[-1].lines, f->lines, c, c + group, f->done,
                         rows};
        part.y += c * g->oh * g->ow;
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
        const kl_piece first = {f[-1].from, work, s->mask, f[-1].lines, turn, c, end, f->done,
                                rows};
        const kl_piece second = {work, f[1].to, s[1].mask, turn, f[1].lines, c, end, f[1].done,
                                 f[1].done + 1};
        for (int32_t k = c; k < end; k++) {
            kl_move(f->from, &f->lines, work, &turn, k, old, f->done);
        }
        kl_conv_piece(s->conv, &first);
        if (whole) {
            kl_conv_piece(s[1].conv, &second);
        }
        for (int32_t k = c; k < end; k++) {
            kl_move(work, &turn, f->to, &f->lines, k, fresh, rows);
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

/* Where the input and the results are; what follows the rings. */
static int8_t *kl_begin_flows(const kl_stage *stages, int32_t count, const int8_t *x, int8_t *rings,
                              int8_t *y, kl_flow *flows)
{
    const kl_geometry *first = &stages[0].conv->geometry;
    const kl_flow input = {x, 0, kl_whole(first->ih, first->iw), first->ih};
    flows[0] = input;
    for (int32_t i = 0; i < count; i++) {
        const kl_geometry *g = &stages[i].conv->geometry;
        int8_t *const to = i < count - 1 ? rings : y;
        const kl_flow result = {to, to, kl_whole(stages[i].kept, g->ow), 0};
        flows[i + 1] = result;
        rings += i < count - 1 ? g->cout * stages[i].kept * g->ow : 0;
        kl_clear_mask(stages[i].mask, g->cout * g->oh * g->ow);
    }
    return rings;
}

/* `over`: the result lies where x does, in so many groups of channels. Rows of a group are gathered
   one after the other, on rows of x that nobody needs any more, and are brought in order at the end. */
static void kl_stream(const kl_stage *stages, int32_t count, const int8_t *x, int8_t *rings,
                      int32_t over, int8_t *y)
{
    kl_flow flows[KL_MAX_STAGES + 1]; /* that of stage i is i + 1 */
    int8_t *const work = kl_begin_flows(stages, count, x, rings, y, flows);
    const kl_geometry *last = &stages[count - 1].conv->geometry;
    const int32_t group = over ? last->cout / over : last->cout;
    if (over) {
        flows[count].lines.plane = last->ow;
        flows[count].lines.row = group * last->ow;
    }
    while (flows[count].done < last->oh) {
        int32_t i = kl_head_of(stages, count - 1), rows = kl_next(stages + i, flows + i + 1);
        while (i > 0 && flows[i].done < kl_rows_for(&stages[i].conv->geometry, rows)) {
            i = kl_head_of(stages, i - 1); /* back to the first that has all that it needs */
            rows = kl_next(stages + i, flows + i + 1);
        }
        if (stages[i].work) {
            kl_pair_pass(stages + i, flows + i + 1, rows, work);
        } else {
            const int32_t channels = stages[i].conv->geometry.cout;
            kl_stage_pass(stages + i, flows + i + 1, rows, i < count - 1 ? channels : group);
        }
    }
    for (int32_t c = 0; over && c < last->cout; c += group) {
        kl_to_planes(y + c * last->oh * last->ow, last->oh, group, last->ow);
    }
}
