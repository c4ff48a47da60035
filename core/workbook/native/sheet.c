/* Reads chosen columns of an ordinary sheet, straight from the packed file: one thread inflates, the caller's parses.
 *
 * Inflated bytes live in a ring that fits the caches and are never seen by Python. Whatever is not as it should be
 * (an unusual sheet, a damaged file, a bomb) ends the reading with NOT_OURS: the slower readers say what it is.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <signal.h>

#define EXPORT __attribute__((visibility("default")))

#include "inflate.h"
/* inflate.h has load8, which column.h uses. */
#include "column.h"
#include "crc.h"
#include "pairs.h"

#define PIECE (128 << 10)
#define PIECES 8
#define AHEAD (PIECES - 3) /* a piece may reach into the next one's old place; the last one read is still looked at */
#define STEP (4 << 20)     /* inflated bytes between two looks of the caller */
#define MOST_ODD (1 << 20)
#define THREAD_STACK (256 << 10)

enum { NOT_OURS = -1, DONE = 0, MORE = 1 };

/* What to read; filled by the caller, as core/workbook/native_sheet.py lays it out. */
typedef struct {
    int64_t offset, packed, bytes, skip, first_row;
    int64_t max_bytes, max_ratio, ratio_from;
    uint32_t crc;
    int32_t fd, columns;
} Task;

typedef struct {
    const uint8_t *start, *end;
    int64_t packed_left;
} Piece;

typedef struct {
    Task task;
    Column *columns;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t made, used; /* pieces */
    int is_stopped, is_over, has_failed;
    Piece pieces[PIECES];
    const uint8_t *from; /* what is not parsed yet starts here */
    int64_t total;
    uint32_t crc_so_far;
    int rows_ended, is_wide;
    Crc crc;
    Inflater inflater;
    uint8_t ring[WINDOW + PIECES * (PIECE + SLACK) + SLACK];
} Sheet;

#if defined(__SSE2__)
__attribute__((target("bmi2"))) static int inflate_quickly(
    Inflater *z, const uint8_t *first, uint8_t **position, const uint8_t *limit) {
    return inflate_loop(z, first, position, limit);
}
#endif

static int inflate_piece(Sheet *sheet, const uint8_t *first, uint8_t **position) {
    const uint8_t *limit = *position + PIECE;
#if defined(__SSE2__)
    if (sheet->is_wide) return inflate_quickly(&sheet->inflater, first, position, limit);
#endif
    return inflate_loop(&sheet->inflater, first, position, limit);
}

static int grows_too_much(const Task *task, int64_t total, int64_t packed_left) {
    return total > task->max_bytes || total > task->bytes ||
           (total > task->ratio_from && total > task->max_ratio * (task->packed - packed_left));
}

/* The other thread: pieces into the ring, as many as there is room for. */
static void *inflate_all(void *argument) {
    Sheet *sheet = argument;
    uint8_t *base = sheet->ring + WINDOW, *out = base;
    const uint8_t *first = base;
    int64_t total = 0;
    for (int64_t number = 0;; number++) {
        pthread_mutex_lock(&sheet->lock);
        while (number - sheet->used >= AHEAD && !sheet->is_stopped) pthread_cond_wait(&sheet->changed, &sheet->lock);
        int is_stopped = sheet->is_stopped;
        pthread_mutex_unlock(&sheet->lock);
        if (is_stopped) break;
        if (number && number % PIECES == 0) {
            memcpy(sheet->ring, out - WINDOW, WINDOW);
            first = sheet->ring;
            out = base;
        }
        Piece piece = {out, out, 0};
        int said = inflate_piece(sheet, first, &out);
        piece.end = out;
        piece.packed_left = sheet->inflater.left;
        total += out - piece.start;
        int has_failed = said == NOT_DEFLATE || grows_too_much(&sheet->task, total, piece.packed_left);
        if (said == INFLATED) memset(out, '<', PADDING);
        pthread_mutex_lock(&sheet->lock);
        sheet->pieces[number % PIECES] = piece;
        sheet->made = number + 1;
        sheet->has_failed = has_failed;
        sheet->is_over = has_failed || said == INFLATED;
        pthread_cond_signal(&sheet->changed);
        pthread_mutex_unlock(&sheet->lock);
        if (has_failed || said == INFLATED) break;
    }
    return NULL;
}

static int parse(Sheet *sheet, const uint8_t *end, int is_last) {
    const uint8_t *cut = is_last ? end : last_start(sheet->from, end - PADDING), *ended = NULL;
    if (!cut) return end - sheet->from <= WINDOW;
    for (int32_t each = 0; each < sheet->task.columns; each++) {
        int said = read_piece(sheet->from, cut, sheet->task.first_row, &sheet->columns[each], sheet->is_wide, &ended);
        if (said == UNUSUAL) return 0;
        if (said == ROWS_ENDED) {
            cut = ended;
            sheet->rows_ended = 1;
        }
    }
    sheet->from = cut;
    return end - cut <= WINDOW || sheet->rows_ended; /* a longer rest would not survive the end of the ring */
}

static int use(Sheet *sheet, const Piece *piece, int64_t number, int is_last) {
    int64_t size = piece->end - piece->start;
    Task *task = &sheet->task;
    sheet->total += size;
    sheet->crc_so_far = add_to_crc(&sheet->crc, sheet->crc_so_far, piece->start, (size_t)size);
    if (sheet->rows_ended) return 1;
    if (!sheet->from && size && task->skip >= size) { /* what stands before the rows was looked at already */
        task->skip -= size;
        return 1;
    }
    if (!sheet->from) {
        sheet->from = piece->start + task->skip;
    } else if (number % PIECES == 0) {
        const Piece *before = &sheet->pieces[PIECES - 1];
        sheet->from = piece->start - (before->end - sheet->from);
    }
    return parse(sheet, piece->end, is_last);
}

static int64_t odd_bytes(const Sheet *sheet) {
    int64_t total = 0;
    for (int32_t each = 0; each < sheet->task.columns; each++) total += sheet->columns[each].odd_bytes;
    return total;
}

/* Read on for a while: MORE, DONE with everything checked, or NOT_OURS. */
EXPORT int32_t reckoner_read(Sheet *sheet, int64_t *packed_left) {
    int64_t stop = sheet->total + STEP;
    while (sheet->total < stop && odd_bytes(sheet) < MOST_ODD) {
        pthread_mutex_lock(&sheet->lock);
        while (sheet->made == sheet->used && !sheet->is_over) pthread_cond_wait(&sheet->changed, &sheet->lock);
        int has_more = sheet->made > sheet->used, has_failed = sheet->has_failed;
        int is_last = sheet->is_over && sheet->made == sheet->used + 1;
        pthread_mutex_unlock(&sheet->lock);
        if (has_failed) return NOT_OURS;
        if (!has_more) {
            int is_whole = sheet->total == sheet->task.bytes && sheet->crc_so_far == sheet->task.crc;
            return is_whole && sheet->rows_ended ? DONE : NOT_OURS;
        }
        const Piece *piece = &sheet->pieces[sheet->used % PIECES];
        if (!use(sheet, piece, sheet->used, is_last)) return NOT_OURS;
        *packed_left = piece->packed_left;
        pthread_mutex_lock(&sheet->lock);
        sheet->used++;
        pthread_cond_signal(&sheet->changed);
        pthread_mutex_unlock(&sheet->lock);
    }
    return MORE;
}

EXPORT const Column *reckoner_column(const Sheet *sheet, int32_t number) { return &sheet->columns[number]; }

/* The odd cells of all columns are understood: their bytes are needed no longer. */
EXPORT void reckoner_forget_odd(Sheet *sheet) {
    for (int32_t each = 0; each < sheet->task.columns; each++)
        sheet->columns[each].odd_bytes = sheet->columns[each].odd_count = 0;
}

static int start_thread(Sheet *sheet) {
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0) return 0;
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads of Python */
    int said = pthread_create(&sheet->thread, &attributes, inflate_all, sheet);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return said == 0;
}

/* No more reading; the columns stay. */
EXPORT void reckoner_stop(Sheet *sheet) {
    pthread_mutex_lock(&sheet->lock);
    sheet->is_stopped = 1;
    pthread_cond_signal(&sheet->changed);
    pthread_mutex_unlock(&sheet->lock);
    pthread_join(sheet->thread, NULL);
    pthread_cond_destroy(&sheet->changed);
    pthread_mutex_destroy(&sheet->lock);
}

EXPORT void reckoner_free(Sheet *sheet) {
    for (int32_t each = 0; sheet->columns && each < sheet->task.columns; each++) {
        Column *column = &sheet->columns[each];
        void *arrays[] = {column->rows, column->mantissas, column->kinds,
                          column->exponents, column->odd, column->odd_places};
        for (size_t at = 0; at < sizeof arrays / sizeof *arrays; at++) free(arrays[at]);
    }
    free(sheet->columns);
    free(sheet);
}

/* Start reading; `names` are the columns' letters, four bytes for each. The cells of a sheet that was read `before` are
 * taken over, and those of this one follow them. NULL if there is no memory or no thread. */
EXPORT Sheet *reckoner_open(const Task *task, const char *names, Sheet *before) {
    Sheet *sheet = calloc(1, sizeof *sheet);
    if (!sheet) return NULL;
    sheet->task = *task;
    sheet->columns = before ? before->columns : calloc((size_t)task->columns, sizeof *sheet->columns);
    if (before) before->columns = NULL;
    for (int32_t each = 0; sheet->columns && each < task->columns; each++) {
        Column *column = &sheet->columns[each];
        memcpy(column->name, names + 4 * each, 4);
        column->letters = (int)strnlen(column->name, 4);
        column->start = column->count;
        column->layout.bytes = 0;
    }
    start_crc(&sheet->crc);
#if defined(__SSE2__)
    sheet->is_wide = has_avx2();
#endif
    start_inflating(&sheet->inflater, task->fd, task->offset, task->packed);
    pthread_mutex_init(&sheet->lock, NULL);
    pthread_cond_init(&sheet->changed, NULL);
    if (sheet->columns && start_thread(sheet)) return sheet;
    reckoner_free(sheet);
    return NULL;
}
