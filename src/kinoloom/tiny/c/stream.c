/* needs: conv */
/* Fused convolutions, computed row by row. Each result but the last has a ring buffer of rows. A
   convolution and the depthwise convolution after it are computed by channel: the rows that only
   one row of the depthwise result reads are in a working ring that the channels share. */
typedef struct {
    const kl_conv *conv;
    uint8_t *mask;
    int32_t kept; /* rows of the ring buffer of its result; for the last stage, all rows */
    int32_t work; /* rows of the working ring, if paired with the next stage; else 0 */
} kl_stage;

/* The input or a result. */
typedef struct {
    const int8_t *from; /* for reading */
    int8_t *to;         /* the same address, for writing */
    kl_lines lines;
    int32_t done; /* completed rows */
} kl_flow;

/* Return the number of leading input rows needed for the first `rows` output rows. */
static int32_t kl_rows_for(const kl_geometry *g, int32_t rows)
{
    const int32_t below = (rows - 1) * g->sy - g->py + (g->kh - 1) * g->dy + 1;
    return rows == 0 || below < 0 ? 0 : below < g->ih ? below : g->ih;
}

/* Return the number of completed rows of a stage after its next pass. */
static int32_t kl_next(const kl_stage *s, const kl_flow *f)
{
    if (!s->work) {
        return f->done + 1;
    }
    const kl_geometry *after = &s[1].conv->geometry;
    const int32_t rows = kl_rows_for(after, f[1].done + 1);
    return f->done + after->sy < rows ? f->done + after->sy : rows;
}

/* Compute the new rows of all channels, group by group; f[-1] is the input of the stage. */
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

/* Copy rows r0..r1 of a channel. */
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

/* Compute the new rows of each channel, then a row of the depthwise result if it has its inputs. */
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

/* Map the index of a line in (channels, rows) to that in (rows, channels). */
static inline int32_t kl_turned(int32_t place, int32_t rows, int32_t channels)
{
    return place % rows * channels + place / rows;
}

/* Transpose an array (rows, channels, columns) to (channels, rows, columns) in place, following the
   cycles of the permutation of lines; a cycle is moved at its first index. */
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

/* Return the stage that starts a pass of stage i: the previous one if both are paired. */
static inline int32_t kl_head_of(const kl_stage *stages, int32_t i)
{
    return i > 0 && stages[i - 1].work ? i - 1 : i;
}

/* Initialise the input and the results and return the address after the ring buffers. */
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

/* Run the stages. If `over` is not 0, the result overwrites x in that number of channel groups: the
   rows of a group are stored one after the other over dead rows of x, and transposed at the end. */
static void kl_stream(const kl_stage *stages, int32_t count, const int8_t *x, int8_t *rings,
                      int32_t over, int8_t *y)
{
    kl_flow flows[KL_MAX_STAGES + 1]; /* flows[i + 1] is the result of stage i */
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
            i = kl_head_of(stages, i - 1); /* back to a stage that has its inputs */
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
