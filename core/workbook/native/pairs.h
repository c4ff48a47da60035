/* Which amounts may have a partner, and the first pair: the native twin of tasks/two_sum/sieve.py.
 *
 * Multiplied by an odd number, modulo 2^64, x and target - x still add up to the target so multiplied, and their upper
 * bits are as good as random. Mark those bits of every amount, and keep an amount only if its partner's are marked;
 * then again with another number. Nothing that has a partner is ever dropped.
 */
#include "partitions.h"

enum { FEW = 1 << 10, SMALLEST_TABLE = 16, ONE_THREAD_BELOW = 1 << 19 };
enum { ROOM = 4 }; /* bits of the table for each amount: the fuller it is, the less it drops */

typedef struct {
    const Amounts *from;
    Amounts *to;
    uint64_t *table; /* of this part alone while marking, then the first part's, which has them all */
    uint64_t factor, target;
    int bits, part, parts;
    int64_t kept;
} Sifting;

/* Both loops have a way for words of which every amount is kept: all of them in the first pass over a shorter list. */
static void *mark(void *argument) {
    const Sifting *job = argument;
    const uint64_t factor = job->factor, words = (uint64_t)(job->from->count + 63) / 64;
    const int shift = 64 - job->bits;
    uint64_t *table = job->table;
    for (uint64_t word = words * job->part / job->parts; word < words * (job->part + 1) / job->parts; word++) {
        const int64_t *values = job->from->values + word * 64;
        uint64_t left = job->from->keep[word];
        if (left == ~0ULL) {
            for (int bit = 0; bit < 64; bit++) set(table, (uint64_t)values[bit] * factor >> shift);
        } else {
            for (; left; left &= left - 1) set(table, (uint64_t)values[__builtin_ctzll(left)] * factor >> shift);
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
            for (int bit = 0; bit < 64; bit++)
                stays |= is_set(table, (target - (uint64_t)values[bit] * factor) >> shift) << bit;
        } else {
            for (; left; left &= left - 1) {
                int bit = __builtin_ctzll(left);
                stays |= is_set(table, (target - (uint64_t)values[bit] * factor) >> shift) << bit;
            }
        }
        job->to->keep[word] = stays;
        kept += __builtin_popcountll(stays);
    }
    job->kept = kept;
    return NULL;
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
    in_parts(jobs, sizeof *jobs, parts, mark);
    for (size_t at = 0; parts > 1 && at < bytes / 8; at++) table[at] |= jobs[1].table[at];
    for (int part = 0; part < parts; part++) jobs[part].table = table;
    in_parts(jobs, sizeof *jobs, parts, sift);
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
        if (number > 0 || !sift_by_partitions(&first, others ? &second : NULL, target)) {
            if (!pass(from, &first, target, number)) return 0;
            if (others && !pass(&first, &second, target, number)) return 0;
        }
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
        int64_t value = values[places[at]], wanted;
        int has_partner = !__builtin_sub_overflow(target, value, &wanted);
        uint64_t slot = (uint64_t)wanted * FACTORS[0] >> (64 - bits);
        while (table[slot] && values[places[table[slot] - 1]] != wanted) slot = (slot + 1) & mask;
        if (has_partner && table[slot]) {
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
