/* Reads one column out of a piece of ordinary sheet XML: the native twin of core/workbook/fast_sheet.py.
 *
 * It looks at bytes only: no locale, no state between pieces. Behind each piece stand at least 64 more bytes with a '<'
 * at their start, so every loop that stops at '<' stays inside.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define PADDING 64

enum { NUMBER = 0, SHARED = 2, ODD = 3, BOOLEAN = 4, EMPTY = 255 };
enum { UNUSUAL = -1, ROWS_ENDED = -2 };

#define SIGNIFICANT_DIGITS 15
#define LONGEST_SIDE 16
#define MOST_DIGITS 18
#define MAX_ROW 1048576
#define VALUE_END "</v></c>"

static const uint64_t POWERS[20] = {
    1ULL, 10ULL, 100ULL, 1000ULL, 10000ULL, 100000ULL, 1000000ULL, 10000000ULL, 100000000ULL, 1000000000ULL,
    10000000000ULL, 100000000000ULL, 1000000000000ULL, 10000000000000ULL, 100000000000000ULL, 1000000000000000ULL,
    10000000000000000ULL, 100000000000000000ULL, 1000000000000000000ULL, 10000000000000000000ULL,
};

typedef struct {
    int64_t row, mantissa;
    int kind, exponent;
    const uint8_t *end; /* of a cell that was read to its end, else NULL */
} Cell;

/* What stands between a cell's address and its value; one like the last cell's is known at a glance. */
#define LAYOUT_WORDS 3
typedef struct {
    uint64_t words[LAYOUT_WORDS], masks[LAYOUT_WORDS];
    int64_t bytes; /* 0: none known yet */
    uint8_t type;
} Layout;

static inline int is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }
static inline int is_capital(uint8_t byte) { return (uint8_t)(byte - 'A') < 26; }

/* How many of the next eight bytes are digits, counted from the first. */
static inline int leading_digits(uint64_t word) {
    uint64_t high = word & 0xF0F0F0F0F0F0F0F0ULL;
    uint64_t carried = (word + 0x0606060606060606ULL) & 0xF0F0F0F0F0F0F0F0ULL;
    uint64_t bad = (high ^ 0x3030303030303030ULL) | (carried ^ 0x3030303030303030ULL);
    return bad ? __builtin_ctzll(bad) >> 3 : 8;
}

static inline uint64_t eight_digits(uint64_t word) {
    word &= 0x0F0F0F0F0F0F0F0FULL;
    word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFULL;
    word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFFULL;
    return (word * 10000 + (word >> 32)) & 0xFFFFFFFFULL;
}

/* Digits from `at` on, as a number; answers how many. Beyond 18 the number means nothing. */
static inline int digits(const uint8_t *at, uint64_t *value) {
    int total = 0;
    uint64_t sum = 0;
    for (;;) {
        uint64_t word = load8(at + total);
        int count = leading_digits(word);
        if (count == 8) {
            sum = sum * 100000000ULL + eight_digits(word);
        } else {
            if (count) sum = sum * POWERS[count] + eight_digits(word << (8 * (8 - count)));
            total += count;
            break;
        }
        total += 8;
        if (total > 32) break;
    }
    *value = sum;
    return total;
}

/* A plain decimal followed by </v></c>; anything else is for the general parser. */
static void number(const uint8_t *at, Cell *cell) {
    int negative = *at == '-';
    uint64_t whole, fraction = 0;
    at += negative;
    int whole_digits = digits(at, &whole), decimals = 0;
    cell->kind = ODD;
    if (whole_digits < 1 || whole_digits > LONGEST_SIDE) return;
    at += whole_digits;
    if (*at == '.') {
        decimals = digits(at + 1, &fraction);
        if (decimals < 1 || decimals > LONGEST_SIDE || whole_digits + decimals > MOST_DIGITS) return;
        at += 1 + decimals;
    }
    if (memcmp(at, VALUE_END, 8) != 0) return;
    uint64_t value = whole * POWERS[decimals] + fraction;
    if (decimals) {
        int size = 0;
        if (value >= POWERS[SIGNIFICANT_DIGITS]) {
            for (size = SIGNIFICANT_DIGITS; size < 19 && value >= POWERS[size]; size++) {}
        }
        if (size > SIGNIFICANT_DIGITS) {
            int dropped = size - SIGNIFICANT_DIGITS;
            value = (value + POWERS[dropped] / 2) / POWERS[dropped];
            decimals -= dropped;
            if (decimals < 0) {
                value *= POWERS[-decimals];
                decimals = 0;
            }
        }
        if (decimals > 2) {
            while (decimals > 0 && value % 10 == 0) {
                value /= 10;
                decimals--;
            }
        }
    }
    cell->kind = NUMBER;
    cell->end = at + 8;
    cell->mantissa = negative ? -(int64_t)value : (int64_t)value;
    cell->exponent = -decimals;
}

static void shared(const uint8_t *at, Cell *cell) {
    uint64_t value;
    int count = digits(at, &value);
    cell->kind = ODD;
    if (count < 1 || count > LONGEST_SIDE || memcmp(at + count, VALUE_END, 8) != 0) return;
    cell->kind = SHARED;
    cell->end = at + count + 8;
    cell->mantissa = (int64_t)value;
}

static void boolean(const uint8_t *at, Cell *cell) {
    cell->kind = ODD;
    if ((at[0] != '0' && at[0] != '1') || memcmp(at + 1, VALUE_END, 8) != 0) return;
    cell->kind = BOOLEAN;
    cell->end = at + 9;
    cell->mantissa = at[0] - '0';
}

static inline int is_name(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26 || is_digit(byte) || byte == ':';
}

/* Behind a cell's attributes, or NULL if they are not written in the ordinary way. */
static const uint8_t *read_attributes(const uint8_t *at, uint8_t *type) {
    while (*at == ' ') {
        const uint8_t *name = ++at;
        if (is_digit(*name) || *name == ':' || memcmp(name, "xml", 3) == 0) return NULL;
        while (is_name(*at)) at++;
        if (at == name || at[0] != '=' || at[1] != '"') return NULL;
        int is_type = at - name == 1 && *name == 't';
        const uint8_t *value = at += 2;
        while (*at != '"') {
            if (*at == '<' || *at == '&' || *at == '>') return NULL;
            at++;
        }
        if (is_type) *type = at - value == 1 ? *value : 'x';
        at++;
    }
    return at;
}

static inline int is_laid_out(const uint8_t *at, const Layout *layout) {
    uint64_t differs = 0;
    for (int each = 0; each < LAYOUT_WORDS; each++)
        differs |= (load8(at + 8 * each) ^ layout->words[each]) & layout->masks[each];
    return layout->bytes && !differs;
}

static void remember(const uint8_t *from, const uint8_t *end, uint8_t type, Layout *layout) {
    if (end - from > (ptrdiff_t)sizeof layout->words) return;
    memset(layout, 0, sizeof *layout);
    memcpy(layout->words, from, (size_t)(end - from));
    memset(layout->masks, 0xFF, (size_t)(end - from));
    layout->bytes = end - from;
    layout->type = type;
}

/* The cell whose row number starts at `at`; 0 if it is not written in the ordinary way. */
static inline int read_cell(const uint8_t *at, Cell *cell, Layout *layout) {
    uint64_t row;
    int count = digits(at, &row);
    if (count < 1 || count > 7 || at[count] != '"' || row < 1 || row > MAX_ROW) return 0;
    at += count + 1;
    *cell = (Cell){.row = (int64_t)row};
    uint8_t type = 'n';
    if (is_laid_out(at, layout)) {
        type = layout->type;
        at += layout->bytes;
    } else {
        const uint8_t *from = at;
        at = read_attributes(at, &type);
        if (!at) return 0;
        if (at[0] == '/' && at[1] == '>') {
            cell->kind = EMPTY;
            return 1;
        }
        if (*at++ != '>' || *at != '<') return 0;
        if (memcmp(at, "<v>", 3) != 0 || (type != 'n' && type != 's' && type != 'b')) {
            cell->kind = memcmp(at, "</c", 3) == 0 ? EMPTY : ODD;
            return 1;
        }
        at += 3;
        remember(from, at, type, layout);
    }
    if (type == 'n') number(at, cell);
    else if (type == 's') shared(at, cell);
    else boolean(at, cell);
    return 1;
}

/* What a column holds so far. Cells that the general parser must read are kept as they are written. */
typedef struct {
    char name[4];
    int letters;
    int64_t count, room, odd_count, odd_bytes, odd_room, places_room;
    int32_t *rows;
    int64_t *mantissas, *odd_places;
    uint8_t *kinds, *odd;
    int8_t *exponents;
    Layout layout; /* of the last cell */
    int64_t start; /* how many cells are of the sheets before this one */
} Column;

static int grow(void **array, int64_t room, size_t each) {
    void *larger = realloc(*array, (size_t)room * each);
    if (larger) *array = larger;
    return larger != NULL;
}

static int make_room(Column *column) {
    if (column->count < column->room) return 1;
    int64_t room = column->room ? 2 * column->room : 1 << 14;
    if (column->count - column->start > MAX_ROW) return 0; /* more cells than a column has rows */
    column->room = room;
    return grow((void **)&column->rows, room, 4) && grow((void **)&column->mantissas, room, 8) &&
           grow((void **)&column->kinds, room, 1) && grow((void **)&column->exponents, room, 1);
}

/* Put a whole cell aside, from its '<' to its end tag. */
static int keep_odd(Column *column, const uint8_t *from, const uint8_t *end) {
    const uint8_t *at = from;
    while ((at = memchr(at, '<', (size_t)(end - at))) && end - at >= 4 && memcmp(at, "</c>", 4) != 0) at++;
    if (!at || end - at < 4) return 0;
    int64_t size = at + 4 - from;
    if (column->odd_bytes + size > column->odd_room) {
        column->odd_room = 2 * (column->odd_bytes + size);
        if (!grow((void **)&column->odd, column->odd_room, 1)) return 0;
    }
    if (column->odd_count == column->places_room) {
        column->places_room = column->places_room ? 2 * column->places_room : 1 << 10;
        if (!grow((void **)&column->odd_places, column->places_room, 8)) return 0;
    }
    memcpy(column->odd + column->odd_bytes, from, (size_t)size);
    column->odd_bytes += size;
    column->odd_places[column->odd_count++] = column->count;
    return 1;
}

/* Whether letters and then a digit stand there: a letter or digit may also be written as a number (`&#65;`). */
static int is_name_of_column(const uint8_t *at) {
    const uint8_t *from = at;
    while (is_capital(*at)) at++;
    return at > from && is_digit(*at);
}

/* The cell whose letters stand at `place`: where to look on, or NULL if it is unusual. */
static inline const uint8_t *keep(const uint8_t *place, const uint8_t *end, int64_t first_row, Column *column) {
    Cell cell;
    if (!is_digit(place[column->letters])) return is_name_of_column(place) ? place : NULL; /* a longer one */
    if (!read_cell(place + column->letters, &cell, &column->layout)) return NULL;
    const uint8_t *behind = cell.end ? cell.end : place;
    if (cell.kind == EMPTY || cell.row < first_row) return behind;
    if (!make_room(column) || (cell.kind == ODD && !keep_odd(column, place - 6, end))) return NULL;
    int64_t at = column->count++;
    column->rows[at] = (int32_t)cell.row;
    column->kinds[at] = (uint8_t)cell.kind;
    column->mantissas[at] = cell.mantissa;
    column->exponents[at] = (int8_t)cell.exponent;
    return behind;
}

/* One byte at a time, up to `stop`: for the ends of pieces, and for processors without the wide way below. Answers 0,
 * UNUSUAL, or ROWS_ENDED with the place in `ended`. */
static int narrow(const uint8_t *from, const uint8_t *stop, const uint8_t *end, int64_t first_row, Column *column,
                  const uint8_t **ended) {
    for (const uint8_t *here = from; here < stop; here++) {
        if (*here == 'x' && memcmp(here, "xmln", 4) == 0) return UNUSUAL;
        if (*here != '<') continue;
        if (here[1] == '!') return UNUSUAL;
        if (here[1] == '/' && memcmp(here, "</sheetData>", 12) == 0) {
            *ended = here;
            return ROWS_ENDED;
        }
        if (here[1] != 'c') continue;
        if (memcmp(here + 2, " r=\"", 4) != 0) return UNUSUAL;
        int is_ours = memcmp(here + 6, column->name, (size_t)column->letters) == 0;
        if (is_ours ? !keep(here + 6, end, first_row, column) : !is_name_of_column(here + 6)) return UNUSUAL;
    }
    return 0;
}

#if defined(__SSE2__)
#define WIDE(NAME, TARGET, VECTOR, LOAD, SET, EQUAL, AND, MASK, WIDTH)                                              \
    TARGET static int NAME(                                                                                         \
        const uint8_t *from, const uint8_t *end, int64_t first_row, Column *column, const uint8_t **ended) {        \
        const VECTOR open = SET('<'), see = SET('c'), bang = SET('!'), ex = SET('x'), em = SET('m'), el = SET('l'); \
        const VECTOR space = SET(' '), are = SET('r'), is = SET('='), quote = SET('"'), slash = SET('/');           \
        const VECTOR ess = SET('s'), first = SET(column->name[0]);                                                  \
        const uint8_t *here = from, *next;                                                                          \
        for (; here + WIDTH <= end; here = next) {                                                                  \
            VECTOR zero = LOAD(here), one = LOAD(here + 1), two = LOAD(here + 2);                                   \
            VECTOR opens = EQUAL(zero, open);                                                                       \
            uint32_t odd = (uint32_t)MASK(AND(opens, EQUAL(one, bang)));                                            \
            odd |= (uint32_t)MASK(AND(AND(EQUAL(zero, ex), EQUAL(one, em)), EQUAL(two, el)));                       \
            odd |= (uint32_t)MASK(AND(AND(opens, EQUAL(one, slash)), EQUAL(two, ess)));                             \
            uint32_t cell = (uint32_t)MASK(AND(opens, EQUAL(one, see)));                                            \
            next = here + WIDTH;                                                                                    \
            if (odd) {                                                                                              \
                int said = narrow(here, next, end, first_row, column, ended);                                       \
                if (said < 0) return said;                                                                          \
                continue;                                                                                           \
            }                                                                                                       \
            if (!cell) continue;                                                                                    \
            VECTOR addressed = AND(AND(EQUAL(two, space), EQUAL(LOAD(here + 3), are)),                              \
                                   AND(EQUAL(LOAD(here + 4), is), EQUAL(LOAD(here + 5), quote)));                   \
            if (cell & ~(uint32_t)MASK(addressed)) return UNUSUAL;                                                  \
            VECTOR letter = LOAD(here + 6); /* a capital, or what no address has */                                 \
            if (cell & ~(uint32_t)MASK(EQUAL(AND(letter, SET((char)0xE0)), SET(0x40)))) return UNUSUAL;             \
            cell &= (uint32_t)MASK(EQUAL(letter, first));                                                           \
            for (; cell; cell &= cell - 1) {                                                                        \
                const uint8_t *place = here + __builtin_ctz(cell) + 6;                                              \
                if (column->letters > 1 && memcmp(place, column->name, (size_t)column->letters) != 0) {             \
                    if (!is_name_of_column(place)) return UNUSUAL;                                                  \
                    continue;                                                                                       \
                }                                                                                                   \
                const uint8_t *behind = keep(place, end, first_row, column);                                        \
                if (!behind) return UNUSUAL;                                                                        \
                if (behind > place) { /* the next cell then stands at much the same place: easily foreseen */       \
                    next = behind;                                                                                  \
                    break;                                                                                          \
                }                                                                                                   \
            }                                                                                                       \
        }                                                                                                           \
        return narrow(here, end, end, first_row, column, ended);                                                    \
    }

/* Asked of the processor itself: the compiler's own helper needs a run-time library that not every linker brings. */
static int has_avx2(void) {
    uint32_t a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b & bit_AVX2) && (b & bit_BMI2);
}

#define LOAD16(address) _mm_loadu_si128((const void *)(address))
#define LOAD32(address) _mm256_loadu_si256((const void *)(address))
WIDE(wide16, , __m128i, LOAD16, _mm_set1_epi8, _mm_cmpeq_epi8, _mm_and_si128, _mm_movemask_epi8, 16)
WIDE(wide32, __attribute__((target("avx2"))), __m256i, LOAD32, _mm256_set1_epi8, _mm256_cmpeq_epi8,
     _mm256_and_si256, _mm256_movemask_epi8, 32)
#endif

/* The cells of one column that start in a piece, in order. */
static int read_piece(const uint8_t *from, const uint8_t *end, int64_t first_row, Column *column, int is_wide,
                      const uint8_t **ended) {
#if defined(__SSE2__)
    return is_wide ? wide32(from, end, first_row, column, ended) : wide16(from, end, first_row, column, ended);
#else
    return narrow(from, end, end, first_row, column, ended);
#endif
}

/* Where the last cell or row starts before `end`, or NULL. */
static const uint8_t *last_start(const uint8_t *from, const uint8_t *end) {
    for (const uint8_t *at = end; at-- > from;)
        if (*at == '<' && (memcmp(at, "<c ", 3) == 0 || memcmp(at, "<row", 4) == 0)) return at;
    return NULL;
}
