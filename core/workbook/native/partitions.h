/* The first pass over a long list: which amounts may have a partner, found a partition at a time, within the caches.
 *
 * Of the amounts, multiplied by an odd number modulo 2^64, take half the target so multiplied: what adds up is now each
 * other's negative, as far from 0 on either side. The upper bits of that distance name the partition; an entry keeps 31
 * more of its bits and, lowest, the side. Of two lists what is kept is the amount of the first and the complement of
 * the second, and the side is the list. A partition keeps only what both sides have.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MOST_PASSES = 6, LARGEST_TABLE = 29, LARGE_PAGE = 2 << 20 };
enum { THREADS = 2 }; /* more would share the memory's speed, not add to it */
/* More partitions at a time than 2^11 are slower to fill; smaller ones than 2^15 entries are not quicker to sift. */
enum { PARTITION_BITS = 15, MOST_PARTITION_BITS = 11, COARSE_BITS = 16, BLOCK = 1 << 10 };
enum { SMALLEST_LEFT = 18 }; /* bits of a place: the nearest cache holds that table */
enum { FINE_ROOM = 3, LEFT_ROOM = 5 }; /* bits of a place beyond those of the count: the more, the fewer stay by chance */
enum { PARTITIONS_FROM = 1 << 18, PARTITIONS_TO = 1LL << 31 };

static const uint64_t FACTORS[MOST_PASSES] = {0x9E3779B97F4A7C15ULL, 0xC2B2AE3D27D4EB4FULL, 0xD6E8FEB86659FD93ULL,
                                              0xA0761D6478BD642FULL, 0xE7037ED1A0B428DBULL, 0x8EBC6AF09C88C6E3ULL};

typedef struct {
    const int64_t *values;
    uint64_t *keep; /* a bit for each amount */
    int64_t count, kept;
} Amounts;

/* How amounts are mixed: the folded ones lie on both sides of 0, and are `even` if -u, not ~u, completes u. */
typedef struct {
    uint64_t base, factor, folded, even, side;
} Mixing;

typedef struct {
    Amounts *lists[2]; /* of one list the second is NULL */
    Mixing mixing[2];
    uint32_t *entries, *follow, *counts; /* blocks of entries: the next of the same partition, how many are in it */
    uint32_t *next, *blocks;             /* where the next entry of a partition goes; the blocks of one partition */
    uint64_t *fine, *left;               /* tables of this part, and of all: what is left at the end */
    uint32_t start_block, blocks_apart;
    int bits, fine_bits, left_bits, part;
    int64_t kept[2];
} Spreading;

static inline void set(uint64_t *table, uint64_t place) { table[place >> 6] |= 1ULL << (place & 63); }

static inline uint64_t is_set(const uint64_t *table, uint64_t place) { return table[place >> 6] >> (place & 63) & 1; }

/* Large pages: memory beyond the caches is met at random, and ordinary pages would miss each time. */
static uint64_t *large_memory(size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, bytes < LARGE_PAGE ? 64 : LARGE_PAGE, bytes) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
    if (bytes >= LARGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

static void in_parts(void *jobs, size_t size, int parts, void *(*work)(void *)) {
    void *second = (char *)jobs + size;
    pthread_t thread;
    int is_shared = parts > 1 && pthread_create(&thread, NULL, work, second) == 0;
    work(jobs);
    if (is_shared) pthread_join(thread, NULL);
    else if (parts > 1) work(second);
}

static inline uint64_t mix(Mixing how, int64_t value) {
    uint64_t mixed = how.base + (uint64_t)value * how.factor, below = (0 - (mixed >> 63)) & how.folded;
    return ((mixed ^ below) + (below & how.even)) << 1 | (below & 1) | how.side;
}

/* This part's share of a list, in whole words of `keep`. */
static void find_share(const Spreading *job, const Amounts *list, int64_t *at, int64_t *end) {
    int64_t words = (list->count + 63) / 64;
    *at = words * job->part / THREADS * 64;
    *end = job->part + 1 == THREADS ? list->count : words * (job->part + 1) / THREADS * 64;
}

static void *lay_out(void *argument) {
    const Spreading *job = argument;
    uint32_t *next = job->next, *entries = job->entries, free_block = job->start_block;
    const int bits = job->bits;
    int64_t at, end;
    for (int partition = 0; partition < 1 << bits; partition++) next[partition] = free_block++ * BLOCK;
    for (int number = 0; number < 2 && job->lists[number]; number++) {
        const Mixing how = job->mixing[number];
        const int64_t *values = job->lists[number]->values;
        for (find_share(job, job->lists[number], &at, &end); at < end; at++) {
            uint64_t mixed = mix(how, values[at]);
            uint32_t *to = next + (mixed >> (64 - bits)), place = *to;
            __builtin_prefetch(entries + place + 32, 1); /* stores wait for each other: none should wait for memory */
            entries[place++] = (uint32_t)(mixed << bits >> 32 & ~1ULL) | (uint32_t)(mixed & 1);
            if (place % BLOCK == 0) {
                job->counts[place / BLOCK - 1] = BLOCK;
                job->follow[place / BLOCK - 1] = free_block;
                place = free_block++ * BLOCK;
            }
            *to = place;
        }
    }
    for (int partition = 0; partition < 1 << bits; partition++) {
        job->counts[next[partition] / BLOCK] = next[partition] % BLOCK;
        job->follow[next[partition] / BLOCK] = 0;
    }
    return NULL;
}

/* Leave a bit only where both sides have marked it, and there for both. What is half the target is its own partner. */
static void meet(uint64_t *table, int bits, int partition) {
    for (uint64_t *word = table; word < table + (1U << bits) / 64; word++) {
        uint64_t both = *word & *word >> 1 & 0x5555555555555555ULL;
        *word = both | both << 1;
    }
    if (!partition) table[0] |= 3;
}

static inline uint32_t fine_place(const Spreading *job, uint32_t entry) { return entry & ((1U << job->fine_bits) - 1); }

static inline uint32_t coarse_place(uint32_t entry) { return entry >> (33 - COARSE_BITS) << 1 | (entry & 1); }

static int blocks_of(const Spreading *job, uint32_t partition) {
    int count = 0;
    for (int part = 0; part < THREADS; part++) {
        uint32_t block = part * job->blocks_apart + partition;
        do job->blocks[count++] = block;
        while ((block = job->follow[block]));
    }
    return count;
}

static void sift_partition(Spreading *job, int partition) {
    const Spreading own = *job; /* that the compiler may keep it in registers */
    uint64_t *fine = own.fine, coarse[(1 << COARSE_BITS) / 64] = {0};
    const int blocks = blocks_of(&own, (uint32_t)partition);
    memset(fine, 0, (1ULL << own.fine_bits) / 8);
    for (int each = 0; each < blocks; each++) {
        const uint32_t *entries = own.entries + own.blocks[each] * BLOCK, count = own.counts[own.blocks[each]];
        for (uint32_t at = 0; at < count; at++) set(fine, fine_place(&own, entries[at]));
    }
    meet(fine, own.fine_bits, partition);
    for (int each = 0; each < blocks; each++) {
        uint32_t *entries = own.entries + own.blocks[each] * BLOCK, *count = own.counts + own.blocks[each], left = 0;
        for (uint32_t at = 0; at < *count; at++) {
            uint32_t entry = entries[at];
            entries[left] = entry;
            left += is_set(fine, fine_place(&own, entry));
        }
        for (uint32_t at = 0; at < left; at++) set(coarse, coarse_place(entries[at]));
        *count = left;
    }
    meet(coarse, COARSE_BITS, partition);
    for (int each = 0; each < blocks; each++) {
        uint32_t *entries = own.entries + own.blocks[each] * BLOCK, *count = own.counts + own.blocks[each], left = 0;
        for (uint32_t at = 0; at < *count; at++) {
            uint32_t entry = entries[at];
            entries[left] = entry;
            left += is_set(coarse, coarse_place(entry));
        }
        *count = left;
        job->kept[0] += left;
    }
}

static void *sift_partitions(void *argument) {
    Spreading *job = argument;
    for (int partition = job->part; partition < 1 << job->bits; partition += THREADS) sift_partition(job, partition);
    return NULL;
}

/* Partitions have words of their own in this table, so that both parts can mark it. */
static void *mark_left(void *argument) {
    const Spreading *job = argument;
    for (int partition = job->part; partition < 1 << job->bits; partition += THREADS)
        for (int each = blocks_of(job, (uint32_t)partition) - 1; each >= 0; each--) {
            const uint32_t *entries = job->entries + job->blocks[each] * BLOCK;
            for (uint32_t at = 0; at < job->counts[job->blocks[each]]; at++)
                set(job->left, ((uint64_t)partition << 32 | entries[at]) >> (32 + job->bits - job->left_bits));
        }
    return NULL;
}

static void *keep_left(void *argument) {
    Spreading *job = argument;
    const uint64_t *left = job->left;
    const int shift = 64 - job->left_bits;
    int64_t at, end;
    for (int number = 0; number < 2 && job->lists[number]; number++) {
        const Mixing how = job->mixing[number];
        const Amounts *list = job->lists[number];
        const int64_t *values = list->values;
        int64_t kept = 0;
        for (find_share(job, list, &at, &end); at < end; at += 64) {
            uint64_t stays = 0;
            int64_t most = end - at < 64 ? end - at : 64;
            for (int64_t bit = 0; bit < most; bit++) stays |= is_set(left, mix(how, values[at + bit]) >> shift) << bit;
            list->keep[at / 64] = stays;
            kept += __builtin_popcountll(stays);
        }
        job->kept[number] = kept;
    }
    return NULL;
}

static void prepare(Spreading *jobs, Amounts *first, Amounts *second, int64_t target) {
    const uint64_t factor = FACTORS[0], odd = (uint64_t)target & 1;
    const uint64_t half = factor * (uint64_t)(target >> 1) + (odd ? factor / 2 + 1 : 0);
    int64_t total = first->count + (second ? second->count : 0);
    Spreading job = {.lists = {first, second}, .bits = 1, .fine_bits = FINE_ROOM + 1};
    job.mixing[0] = second ? (Mixing){0, factor, 0, 0, 0} : (Mixing){0 - half, factor, ~0ULL, !odd, 0};
    job.mixing[1] = (Mixing){factor * (uint64_t)target, 0 - factor, 0, 0, 1};
    while (total >> job.bits > 1 << PARTITION_BITS && job.bits < MOST_PARTITION_BITS) job.bits++;
    while (1LL << job.fine_bits < total >> job.bits << (FINE_ROOM + 1)) job.fine_bits++;
    job.blocks_apart = (uint32_t)(total / THREADS / BLOCK + (1 << job.bits) + 2);
    for (int part = 0; part < THREADS; part++) {
        jobs[part] = job;
        jobs[part].part = part;
        jobs[part].start_block = part * job.blocks_apart;
    }
}

/* One memory for all but the entries; NULL without any. */
static uint64_t *give_memory(Spreading *jobs) {
    const size_t blocks = (size_t)jobs->blocks_apart * THREADS, partitions = 1ULL << jobs->bits;
    const size_t fine_words = (1ULL << jobs->fine_bits) / 64;
    uint64_t *tables = large_memory(8 * THREADS * fine_words + 4 * (blocks * (2 + THREADS) + THREADS * partitions));
    uint32_t *entries = (uint32_t *)large_memory(blocks * BLOCK * sizeof *entries);
    uint32_t *numbers = (uint32_t *)(tables + THREADS * fine_words);
    for (int part = 0; part < THREADS && tables && entries; part++) {
        jobs[part].fine = tables + part * fine_words;
        jobs[part].entries = entries;
        jobs[part].follow = numbers;
        jobs[part].counts = numbers + blocks;
        jobs[part].blocks = numbers + blocks * (2 + (size_t)part);
        jobs[part].next = numbers + blocks * (2 + THREADS) + part * partitions;
    }
    if (!tables || !entries) free(tables), free(entries), tables = NULL;
    return tables;
}

/* Keep in a list, or in both of two, what may have a partner; 0 if it is no list for this or there is no memory. */
static int sift_by_partitions(Amounts *first, Amounts *second, int64_t target) {
    int64_t total = first->count + (second ? second->count : 0);
    Spreading jobs[THREADS];
    if (total < PARTITIONS_FROM || total > PARTITIONS_TO) return 0;
    prepare(jobs, first, second, target);
    uint64_t *memory = give_memory(jobs);
    if (!memory) return 0;
    in_parts(jobs, sizeof *jobs, THREADS, lay_out);
    in_parts(jobs, sizeof *jobs, THREADS, sift_partitions);
    int left_bits = SMALLEST_LEFT;
    while (left_bits < LARGEST_TABLE && 1LL << left_bits < (jobs[0].kept[0] + jobs[1].kept[0]) << LEFT_ROOM) left_bits++;
    uint64_t *left = large_memory((1ULL << left_bits) / 8);
    for (int part = 0; part < THREADS; part++) jobs[part].left = left, jobs[part].left_bits = left_bits;
    if (left) {
        memset(left, 0, (1ULL << left_bits) / 8);
        in_parts(jobs, sizeof *jobs, THREADS, mark_left);
    }
    free(jobs->entries);
    free(memory);
    if (left) in_parts(jobs, sizeof *jobs, THREADS, keep_left);
    free(left);
    first->kept = jobs[0].kept[0] + jobs[1].kept[0];
    if (second) second->kept = jobs[0].kept[1] + jobs[1].kept[1];
    return left != NULL;
}
