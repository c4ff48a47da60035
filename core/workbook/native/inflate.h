/* Raw deflate (RFC 1951), in pieces: from a file in small reads, into memory that goes on from piece to piece.
 *
 * The reader of the pieces runs on another core meanwhile. That, not the inflating itself, is what it buys: a library
 * of the system does it as quickly, but no wheel offers one to native code. Whatever it finds odd it refuses; the
 * caller then reads with isal, which says what is wrong. So it may be stricter than it must, never laxer: the
 * checksum is compared in any case.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 32768
#define SLACK 512 /* a piece may end this far behind its limit, and rubbish may be written this far behind its end */
#define PACKED_BYTES 65536
#define HEADER_BYTES 512 /* no block header is longer, and no symbol needs more */

enum { LITERAL_BITS = 11, DISTANCE_BITS = 9, LITERAL_ROOM = 2400, DISTANCE_ROOM = 1200, LONGEST_CODE = 15 };
enum { INFLATED = 0, PIECE_FULL = 1, NOT_DEFLATE = -1 };

/* An entry of a table. Bits 0-7: bits to drop, extra ones included; 8-11: of them the code's own (of a subtable: its
 * size); from 16 on: the literal, the least length or distance, or where the subtable starts. */
#define LITERAL 0x80000000u
#define SUBTABLE 0x8000u
#define END 0x4000u
#define WRONG 0x2000u
#define SPECIAL (SUBTABLE | END | WRONG)

typedef struct {
    int fd;
    int64_t at, left; /* of the packed bytes: where to read on, how many are still in the file */
    const uint8_t *in, *in_limit;
    uint64_t bits;
    uint32_t held; /* how many of them; what stands above is rubbish */
    int is_open, is_last, is_stored;
    uint32_t stored_left;
    uint32_t literals[LITERAL_ROOM], distances[DISTANCE_ROOM];
    uint8_t packed[HEADER_BYTES + PACKED_BYTES + HEADER_BYTES];
} Inflater;

static inline uint64_t load8(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static void start_inflating(Inflater *z, int fd, int64_t offset, int64_t packed) {
    memset(z, 0, offsetof(Inflater, literals));
    z->fd = fd;
    z->at = offset;
    z->left = packed;
    z->in = z->packed + HEADER_BYTES + PACKED_BYTES;
    z->in_limit = z->in - 1;
}

/* Have a header's worth of packed bytes at hand. Behind the last of them stand zeros; who needs many has lost its way. */
static int read_on(Inflater *z) {
    uint8_t *end = z->packed + HEADER_BYTES + PACKED_BYTES;
    if (z->left == 0) return z->in <= end + 8;
    size_t rest = (size_t)(end - z->in), wanted = z->left < PACKED_BYTES ? (size_t)z->left : PACKED_BYTES;
    if (rest > HEADER_BYTES) return 0;
    uint8_t *start = end - wanted;
    memmove(start - rest, z->in, rest);
    for (size_t got = 0; got < wanted;) {
        ssize_t now = pread(z->fd, start + got, wanted - got, (off_t)z->at);
        if (now <= 0) return 0;
        got += (size_t)now;
        z->at += now;
    }
    z->left -= (int64_t)wanted;
    z->in = start - rest;
    if (z->left == 0) memset(end, 0, HEADER_BYTES);
    z->in_limit = z->left ? end - HEADER_BYTES : end + 8;
    return 1;
}

static inline void refill(Inflater *z) {
    z->bits |= load8(z->in) << z->held;
    z->in += (63 - z->held) >> 3;
    z->held |= 56;
}

static inline uint32_t take(Inflater *z, uint32_t count) {
    uint32_t value = (uint32_t)(z->bits & ((1ULL << count) - 1));
    z->bits >>= count;
    z->held -= count;
    return value;
}

/* Fill a table from the code lengths of its symbols; 0 if they are no complete code. */
static int build(uint32_t *table, int bits, const uint8_t *lengths, int symbols, const uint32_t *entries, int room) {
    uint16_t count[LONGEST_CODE + 1] = {0}, place[LONGEST_CODE + 2] = {0}, sorted[288];
    for (int each = 0; each < symbols; each++) count[lengths[each]]++;
    int32_t open = 1, longest = LONGEST_CODE;
    for (int length = 1; length <= LONGEST_CODE; length++) {
        open = (open << 1) - count[length];
        if (open < 0) return 0;
        place[length + 1] = (uint16_t)(place[length] + count[length]);
    }
    int used = symbols - count[0];
    while (longest > 0 && !count[longest]) longest--;
    if (open > 0 && (used > 1 || longest > 1)) return 0;
    for (int each = 0; each < symbols; each++)
        if (lengths[each]) sorted[place[lengths[each]]++] = (uint16_t)each;
    if (open > 0) /* no code, or a single one of one bit: the rest of the table is never meant */
        for (int each = 0; each < 1 << bits; each++) table[each] = WRONG;
    uint32_t code = 0, prefix = ~0u, start = 0, next = 1u << bits, mask = (1u << bits) - 1;
    int sub_bits = 0;
    for (int each = 0; each < used; each++) {
        uint32_t length = lengths[sorted[each]], entry = entries[sorted[each]];
        if (length <= (uint32_t)bits) {
            entry += length | length << 8;
            for (uint32_t at = code; at <= mask; at += 1u << length) table[at] = entry;
        } else {
            if ((code & mask) != prefix) {
                prefix = code & mask;
                sub_bits = (int)length - bits;
                for (int32_t left = 1 << sub_bits, more = count[length]; sub_bits + bits < longest;) {
                    left -= more;
                    if (left <= 0) break;
                    sub_bits++;
                    left <<= 1;
                    more = count[sub_bits + bits];
                }
                start = next;
                next += 1u << sub_bits;
                if (next > (uint32_t)room) return 0;
                table[prefix] = start << 16 | (uint32_t)sub_bits << 8 | SUBTABLE | (uint32_t)bits;
            }
            length -= (uint32_t)bits;
            entry += length | length << 8;
            for (uint32_t at = code >> bits; at < 1u << sub_bits; at += 1u << length) table[start + at] = entry;
            length += (uint32_t)bits;
        }
        count[length]--;
        uint32_t bit = 1u << (length - 1); /* the next code, written from its last bit to its first */
        while (code & bit) bit >>= 1;
        code = bit ? (code & (bit - 1)) | bit : 0;
    }
    return 1;
}

/* What a symbol means, without its code: the extra bits stand where the code's length is added. */
static void meanings(uint32_t *literals, uint32_t *distances) {
    for (uint32_t each = 0; each < 256; each++) literals[each] = LITERAL | each << 16;
    literals[256] = END;
    uint32_t base = 3;
    for (uint32_t each = 0; each < 28; each++) {
        uint32_t extra = each < 8 ? 0 : each / 4 - 1;
        literals[257 + each] = base << 16 | extra;
        base += 1u << extra;
    }
    literals[285] = 258u << 16;
    literals[286] = literals[287] = WRONG;
    base = 1;
    for (uint32_t each = 0; each < 30; each++) {
        uint32_t extra = each < 4 ? 0 : each / 2 - 1;
        distances[each] = base << 16 | extra;
        base += 1u << extra;
    }
    distances[30] = distances[31] = WRONG;
}

static int read_lengths(Inflater *z, uint8_t *lengths, int total) {
    static const uint8_t ORDER[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint32_t entries[19], table[128];
    uint8_t own[19] = {0};
    int count = (int)take(z, 4) + 4;
    for (int each = 0; each < count; each++) {
        refill(z);
        own[ORDER[each]] = (uint8_t)take(z, 3);
    }
    for (uint32_t each = 0; each < 19; each++) entries[each] = each << 16;
    if (!build(table, 7, own, 19, entries, 128)) return 0;
    for (int at = 0; at < total;) {
        refill(z);
        uint32_t entry = table[z->bits & 127], symbol = entry >> 16, times = 1;
        if (entry & WRONG) return 0;
        take(z, entry & 15);
        uint8_t value = (uint8_t)symbol;
        if (symbol == 16) {
            if (at == 0) return 0;
            value = lengths[at - 1];
            times = 3 + take(z, 2);
        } else if (symbol > 16) {
            value = 0;
            times = symbol == 17 ? 3 + take(z, 3) : 11 + take(z, 7);
        }
        if (at + (int)times > total) return 0;
        memset(lengths + at, value, times);
        at += (int)times;
    }
    return 1;
}

static int open_block(Inflater *z) {
    uint8_t lengths[320];
    uint32_t literals[288], distances[32];
    int literal_count = 288, distance_count = 32;
    if (z->in > z->in_limit && !read_on(z)) return 0;
    refill(z);
    z->is_last = (int)take(z, 1);
    uint32_t kind = take(z, 2);
    z->is_open = 1;
    z->is_stored = kind == 0;
    if (kind == 0) {
        take(z, z->held & 7);
        refill(z);
        uint32_t length = take(z, 16);
        z->stored_left = length;
        if (take(z, 16) != (length ^ 0xFFFF)) return 0;
        z->in -= z->held >> 3; /* give whole bytes back */
        z->bits = z->held = 0;
        return 1;
    }
    if (kind == 1) {
        memset(lengths, 8, 144);
        memset(lengths + 144, 9, 112);
        memset(lengths + 256, 7, 24);
        memset(lengths + 280, 8, 8);
        memset(lengths + 288, 5, 32);
    } else if (kind == 2) {
        literal_count = (int)take(z, 5) + 257;
        distance_count = (int)take(z, 5) + 1;
        if (literal_count > 286 || distance_count > 30) return 0;
        if (!read_lengths(z, lengths, literal_count + distance_count) || !lengths[256]) return 0;
    } else {
        return 0;
    }
    meanings(literals, distances);
    return build(z->literals, LITERAL_BITS, lengths, literal_count, literals, LITERAL_ROOM) &&
           build(z->distances, DISTANCE_BITS, lengths + literal_count, distance_count, distances, DISTANCE_ROOM);
}

/* Bytes as far back as `distance`, which may overlap what they make; up to 15 more are written. */
static inline void repeat(uint8_t *out, uint32_t length, uint32_t distance) {
    const uint8_t *from = out - distance;
    const uint8_t *end = out + length;
    if (distance >= 16) {
        do {
            memcpy(out, from, 16);
            out += 16;
            from += 16;
        } while (out < end);
    } else if (distance >= 8) {
        do {
            memcpy(out, from, 8);
            out += 8;
            from += 8;
        } while (out < end);
    } else {
        while (out < end) *out++ = *from++;
    }
}

static inline __attribute__((always_inline)) int inflate_loop(
    Inflater *z, const uint8_t *first, uint8_t **position, const uint8_t *limit) {
    uint8_t *out = *position;
    int said = PIECE_FULL;
    for (;;) {
        if (!z->is_open) {
            if (z->is_last) {
                said = INFLATED;
                break;
            }
            if (!open_block(z)) return NOT_DEFLATE;
        }
        if (z->is_stored) {
            while (z->stored_left && out < limit) {
                if (z->in > z->in_limit && !read_on(z)) return NOT_DEFLATE;
                const uint8_t *end = z->packed + HEADER_BYTES + PACKED_BYTES;
                if (z->in >= end) return NOT_DEFLATE;
                size_t some = z->stored_left, here = (size_t)(end - z->in), room = (size_t)(limit - out);
                some = some < here ? some : here;
                some = some < room ? some : room;
                memcpy(out, z->in, some);
                out += some;
                z->in += some;
                z->stored_left -= (uint32_t)some;
            }
            if (z->stored_left) break;
            z->is_open = 0;
            continue;
        }
        uint64_t bits = z->bits;
        uint32_t held = z->held;
        const uint8_t *in = z->in;
        const uint32_t *literals = z->literals, *distances = z->distances;
#define REFILL() (bits |= load8(in) << (held & 63), in += (63 - held) >> 3, held |= 56)
#define DROP(entry) (bits >>= (entry) & 63, held -= (entry) & 63)
        while (out < limit) {
            if (in > z->in_limit) {
                z->in = in;
                if (!read_on(z)) return NOT_DEFLATE;
                in = z->in;
            }
            REFILL();
            uint32_t entry = literals[bits & ((1 << LITERAL_BITS) - 1)];
            if (entry & LITERAL) { /* three short codes fit what one refill gives, and a length behind them */
                *out++ = (uint8_t)(entry >> 16);
                DROP(entry);
                entry = literals[bits & ((1 << LITERAL_BITS) - 1)];
                if (entry & LITERAL) {
                    *out++ = (uint8_t)(entry >> 16);
                    DROP(entry);
                    entry = literals[bits & ((1 << LITERAL_BITS) - 1)];
                    if (entry & LITERAL) {
                        *out++ = (uint8_t)(entry >> 16);
                        DROP(entry);
                        continue;
                    }
                }
            }
            if (entry & SPECIAL) {
                if (entry & SUBTABLE) {
                    DROP(entry);
                    entry = literals[(entry >> 16) + (bits & ((1u << (entry >> 8 & 15)) - 1))];
                    if (entry & LITERAL) {
                        *out++ = (uint8_t)(entry >> 16);
                        DROP(entry);
                        continue;
                    }
                }
                if (entry & WRONG) return NOT_DEFLATE;
                if (entry & END) {
                    DROP(entry);
                    z->is_open = 0;
                    break;
                }
            }
            uint32_t length = (entry >> 16) + (uint32_t)((bits & ((1ULL << (entry & 63)) - 1)) >> (entry >> 8 & 15));
            DROP(entry);
            REFILL();
            entry = distances[bits & ((1 << DISTANCE_BITS) - 1)];
            if (entry & SPECIAL) {
                if (entry & WRONG) return NOT_DEFLATE;
                DROP(entry);
                entry = distances[(entry >> 16) + (bits & ((1u << (entry >> 8 & 15)) - 1))];
                if (entry & WRONG) return NOT_DEFLATE;
            }
            uint32_t distance = (entry >> 16) + (uint32_t)((bits & ((1ULL << (entry & 63)) - 1)) >> (entry >> 8 & 15));
            DROP(entry);
            if (distance > (uint64_t)(out - first)) return NOT_DEFLATE;
            repeat(out, length, distance);
            out += length;
        }
#undef REFILL
#undef DROP
        z->bits = bits;
        z->held = held;
        z->in = in;
        if (z->is_open) break;
    }
    *position = out;
    return said;
}
