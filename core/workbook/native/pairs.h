/* Which amounts may have a partner, and the first pair: the native twin of tasks/two_sum/sieve.py.
 *
 * Multiplied by an odd number, modulo 2^64, x and target - x still add up to the target so multiplied, and their upper
 * bits are as good as random. Mark those bits of every amount, and keep an amount only if its partner's are marked;
 * then again with another number. Nothing that has a partner is ever dropped.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_PASSES = 6, FEW = 1 << 10, SMALLEST_TABLE = 16, LARGEST_TABLE = 29, ONE_THREAD_BELOW = 1 << 19 };
enum { ROOM = 4 }; /* bits of the table for each amount: the fuller it is, the less it drops */
enum { LARGE_PAGE = 2 << 20 };
enum { THREADS = 2 }; /* more would share the memory's speed, not add to it */
enum { BUCKET_BITS = 8, INDEX_BITS = 22, SPREAD_FROM = 1 << 22 }; /* a smaller list has a table the caches hold */
enum { MOST_AT_ONCE = 1 << INDEX_BITS }; /* each lot passes over the whole table, so it should be large */

static const uint64_t FACTORS[MOST_PASSES] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0xD6E8FEB86659FD93ULL,
                                              0xA0761D6478BD642FULL, 0xE7037ED1A0B428DBULL, 0x8EBC6AF09C88C6E3ULL};

typedef struct {
    const int64_t *values;
    uint64_t *keep; /* a bit for each amount */
    int64_t count, kept;
} Amounts;

typedef struct {
    const Amounts *from;
    Amounts *to;
    uint64_t *table; /* of this part alone while marking, then the first part's, which has them all */
    uint64_t factor, target;
    int bits, part, parts;
    int64_t kept;
} Sifting;

/* Both loops have a way for words of which every amount is kept: in the first pass that is all of them, and its speed
 * is what counts. */
static void *mark(void *argument) {
    const Sifting *job = argument;
    const uint64_t factor = job->factor, words = (uint64_t)(job->from->count + 63) / 64;
    const int shift = 64 - job->bits;
    uint64_t *table = job->table;
    for (uint64_t word = words * job->part / job->parts; word < words * (job->part + 1) / job->parts; word++) {
        const int64_t *values = job->from->values + word * 64;
        uint64_t left = job->from->keep[word];
        if (left == ~0ULL) {
            for (int bit = 0; bit < 64; bit++) {
                uint64_t place = (uint64_t)values[bit] * factor >> shift;
                table[place >> 6] |= 1ULL << (place & 63);
            }
        } else {
            for (; left; left &= left - 1) {
                uint64_t place = (uint64_t)values[__builtin_ctzll(left)] * factor >> shift;
                table[place >> 6] |= 1ULL << (place & 63);
            }
        }
    }
    return NULL;
}

static void *sift(void *argument) {
    Sifting *job = argument;
    const uint64_t factor = job->factor, target = job->target, words = (uint64_t)(job->to->count + 63) / 64;
    const int shift = 64 - job->bits;
    const uint64_t *table = job->table;
    int64_t kept = 0;
    for (uint64_t word = words * job->part / job->parts; word < words * (job->part + 1) / job->parts; word++) {
        const int64_t *values = job->to->values + word * 64;
        uint64_t left = job->to->keep[word], stays = 0;
        if (left == ~0ULL) {
            for (int bit = 0; bit < 64; bit++) {
                uint64_t place = (target - (uint64_t)values[bit] * factor) >> shift;
                stays |= (table[place >> 6] >> (place & 63) & 1) << bit;
            }
        } else {
            for (; left; left &= left - 1) {
                int bit = __builtin_ctzll(left);
                uint64_t place = (target - (uint64_t)values[bit] * factor) >> shift;
                stays |= (table[place >> 6] >> (place & 63) & 1) << bit;
            }
        }
        job->to->keep[word] = stays;
        kept += __builtin_popcountll(stays);
    }
    job->kept = kept;
    return NULL;
}

/* Large pages: memory beyond the caches is met at random, and ordinary pages would miss each time. */
static uint64_t *large_memory(size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, bytes < LARGE_PAGE ? 64 : LARGE_PAGE, bytes) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
    if (bytes >= LARGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

/* A table beyond the caches is met a window at a time: a lot of amounts is first laid out by the upper bits of
 * `base + amount * factor`, each entry with its index in the lot in its lowest bits, which no place is made of. */
static void spread(const int64_t *values, int64_t count, uint64_t factor, uint64_t base, uint64_t *entries) {
    uint32_t next[1 << BUCKET_BITS] = {0}, start = 0;
    for (int64_t at = 0; at < count; at++) next[(base + (uint64_t)values[at] * factor) >> (64 - BUCKET_BITS)]++;
    for (int bucket = 0; bucket < 1 << BUCKET_BITS; bucket++) {
        uint32_t size = next[bucket];
        next[bucket] = start;
        start += size;
    }
    for (int64_t at = 0; at < count; at++) {
        uint64_t mixed = base + (uint64_t)values[at] * factor;
        entries[next[mixed >> (64 - BUCKET_BITS)]++] = mixed >> INDEX_BITS << INDEX_BITS | (uint64_t)at;
    }
}

/* The same as `mark`, of all amounts; without memory for it, `mark` itself. */
static void *mark_spread(void *argument) {
    const Sifting *job = argument;
    const int64_t words = (job->from->count + 63) / 64;
    const int64_t last = job->part + 1 == job->parts ? job->from->count : words * (job->part + 1) / job->parts * 64;
    const int shift = 64 - job->bits;
    uint64_t *entries = large_memory(sizeof(uint64_t) * MOST_AT_ONCE), *table = job->table;
    if (!entries) return mark(argument);
    for (int64_t start = words * job->part / job->parts * 64; start < last; start += MOST_AT_ONCE) {
        int64_t count = last - start < MOST_AT_ONCE ? last - start : MOST_AT_ONCE;
        spread(job->from->values + start, count, job->factor, 0, entries);
        for (int64_t at = 0; at < count; at++) {
            uint64_t place = entries[at] >> shift;
            table[place >> 6] |= 1ULL << (place & 63);
        }
    }
    free(entries);
    return NULL;
}

/* The same as `sift`, of all amounts. */
static void *sift_spread(void *argument) {
    Sifting *job = argument;
    const int64_t words = (job->to->count + 63) / 64;
    const int64_t last = job->part + 1 == job->parts ? job->to->count : words * (job->part + 1) / job->parts * 64;
    const int shift = 64 - job->bits;
    uint64_t *entries = large_memory(sizeof(uint64_t) * MOST_AT_ONCE);
    const uint64_t *table = job->table;
    if (!entries) return sift(argument);
    int64_t kept = 0;
    for (int64_t start = words * job->part / job->parts * 64; start < last; start += MOST_AT_ONCE) {
        int64_t count = last - start < MOST_AT_ONCE ? last - start : MOST_AT_ONCE;
        uint64_t *keep = job->to->keep + start / 64;
        spread(job->to->values + start, count, 0 - job->factor, job->target, entries);
        memset(keep, 0, (size_t)(count + 63) / 64 * 8);
        for (int64_t at = 0; at < count; at++) {
            uint64_t place = entries[at] >> shift, index = entries[at] & ((1 << INDEX_BITS) - 1);
            uint64_t stays = table[place >> 6] >> (place & 63) & 1;
            keep[index >> 6] |= stays << (index & 63);
            kept += (int64_t)stays;
        }
    }
    free(entries);
    job->kept = kept;
    return NULL;
}

static int is_for_spreading(const Amounts *amounts) {
    return amounts->kept == amounts->count && amounts->count >= SPREAD_FROM;
}

static void in_parts(Sifting *jobs, int parts, void *(*work)(void *)) {
    pthread_t thread;
    int is_shared = parts > 1 && pthread_create(&thread, NULL, work, &jobs[1]) == 0;
    work(&jobs[0]);
    if (is_shared) pthread_join(thread, NULL);
    else if (parts > 1) work(&jobs[1]);
}

/* Drop from `to` what no amount of `from` can complete. */
static int pass(const Amounts *from, Amounts *to, int64_t target, int number) {
    int bits = SMALLEST_TABLE, parts = from->kept + to->kept < ONE_THREAD_BELOW ? 1 : THREADS;
    while (bits < LARGEST_TABLE && 1LL << bits < ROOM * from->kept) bits++;
    size_t bytes = (size_t)1 << (bits - 3);
    uint64_t *table = large_memory(bytes * (size_t)parts), factor = FACTORS[number];
    if (!table) return 0;
    memset(table, 0, bytes * (size_t)parts);
    Sifting jobs[THREADS];
    for (int part = 0; part < parts; part++)
        jobs[part] = (Sifting){from, to, table + part * (bytes / 8), factor, (uint64_t)target * factor,
                               bits, part, parts, 0};
    in_parts(jobs, parts, is_for_spreading(from) ? mark_spread : mark);
    for (size_t at = 0; parts > 1 && at < bytes / 8; at++) table[at] |= jobs[1].table[at];
    for (int part = 0; part < parts; part++) jobs[part].table = table;
    in_parts(jobs, parts, is_for_spreading(to) ? sift_spread : sift);
    to->kept = 0;
    for (int part = 0; part < parts; part++) to->kept += jobs[part].kept;
    free(table);
    return 1;
}

static Amounts all_of(const int64_t *values, int64_t count, uint64_t *keep) {
    memset(keep, 255, (size_t)((count + 63) / 64) * 8);
    if (count % 64) keep[count / 64] = (1ULL << (count % 64)) - 1;
    return (Amounts){values, keep, count, count};
}

/* Set the bits of what may have a partner, in one list (`others` is NULL) or of two; 0 if there is no memory. */
EXPORT int32_t reckoner_sift(const int64_t *values, int64_t count, uint64_t *keep, const int64_t *others,
                             int64_t other_count, uint64_t *keep_others, int64_t target, int64_t *kept) {
    Amounts first = all_of(values, count, keep);
    Amounts second = others ? all_of(others, other_count, keep_others) : first;
    Amounts *from = others ? &second : &first;
    for (int number = 0; number < MOST_PASSES; number++) {
        int64_t before = first.kept + from->kept;
        if (!pass(from, &first, target, number)) return 0;
        if (others && !pass(&first, &second, target, number)) return 0;
        int64_t after = first.kept + from->kept;
        if (after <= FEW || after > before / 10 * 8) break; /* few, or they do have partners */
    }
    kept[0] = first.kept;
    kept[1] = others ? second.kept : first.kept;
    return 1;
}

EXPORT void reckoner_places(const uint64_t *keep, int64_t count, int64_t *places) {
    for (int64_t word = 0; word < (count + 63) / 64; word++)
        for (uint64_t left = keep[word]; left; left &= left - 1) *places++ = word * 64 + __builtin_ctzll(left);
}

/* The pair that is complete first, with the last earlier partner, among the amounts at those places: 1 if there is one,
 * 0 if not, -1 without memory. The table is only touched as far as the scan gets. */
EXPORT int32_t reckoner_first(const int64_t *values, const int64_t *places, int64_t count, int64_t target,
                              int64_t *pair) {
    int bits = 4;
    while (1LL << bits < 2 * count) bits++;
    int64_t *table = calloc(1ULL << bits, 8); /* 1 + the number of the place, 0 where free */
    uint64_t mask = (1ULL << bits) - 1;
    if (!table) return -1;
    int32_t found = 0;
    for (int64_t at = 0; at < count && !found; at++) {
        int64_t value = values[places[at]], wanted = (int64_t)((uint64_t)target - (uint64_t)value);
        uint64_t slot = (uint64_t)wanted * FACTORS[0] >> (64 - bits);
        while (table[slot] && values[places[table[slot] - 1]] != wanted) slot = (slot + 1) & mask;
        if (table[slot]) {
            pair[0] = places[table[slot] - 1];
            pair[1] = places[at];
            found = 1;
        }
        slot = (uint64_t)value * FACTORS[0] >> (64 - bits);
        while (table[slot] && values[places[table[slot] - 1]] != value) slot = (slot + 1) & mask;
        table[slot] = at + 1;
    }
    free(table);
    return found;
}

/* The decimals the finest of so many cells needs; -1 if one of them is no number or stands above the one before. */
EXPORT int32_t reckoner_decimals(const int32_t *rows, const int8_t *exponents, const uint8_t *kinds, int64_t count) {
    int8_t least = 0;
    uint8_t odd = 0;
    for (int64_t at = 0; at < count; at++) {
        least = exponents[at] < least ? exponents[at] : least;
        odd |= kinds[at] | (at > 0 && rows[at] < rows[at - 1]);
    }
    return odd ? -1 : -least;
}

/* Mantissas and exponents as whole numbers of 10^-scale; 0 if one of them would not fit safely. */
EXPORT int32_t reckoner_scale(const int64_t *mantissas, const int8_t *exponents, int64_t count, int32_t scale,
                              int64_t *amounts) {
    const int64_t safe = 1LL << 60;
    int is_unsafe = 0;
    for (int64_t at = 0; at < count; at++) {
        int64_t scaled;
        is_unsafe |= __builtin_mul_overflow(mantissas[at], (int64_t)POWERS[exponents[at] + scale], &scaled);
        is_unsafe |= scaled >= safe || scaled <= -safe;
        amounts[at] = scaled;
    }
    return !is_unsafe;
}
