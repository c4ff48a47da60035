/* The checksum of zip parts (CRC-32), by carry-less multiplication where the processor has it: it then costs a twentieth
 * of inflating. */
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <cpuid.h>
#include <immintrin.h>
#endif

typedef struct {
    int is_wide;
    uint32_t tables[4][256];
} Crc;

static void start_crc(Crc *crc) {
    for (uint32_t each = 0; each < 256; each++) {
        uint32_t value = each;
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
        crc->tables[0][each] = value;
    }
    for (int table = 1; table < 4; table++)
        for (uint32_t each = 0; each < 256; each++) {
            uint32_t before = crc->tables[table - 1][each];
            crc->tables[table][each] = before >> 8 ^ crc->tables[0][before & 255];
        }
    crc->is_wide = 0;
#if defined(__SSE2__)
    uint32_t a, b, c, d;
    crc->is_wide = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) && (c & bit_SSE4_1);
#endif
}

static uint32_t crc_narrow(const Crc *crc, uint32_t value, const uint8_t *at, size_t size) {
    for (; size >= 4; at += 4, size -= 4) {
        value ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        value = crc->tables[3][value & 255] ^ crc->tables[2][value >> 8 & 255] ^ crc->tables[1][value >> 16 & 255] ^
                crc->tables[0][value >> 24];
    }
    for (; size; at++, size--) value = value >> 8 ^ crc->tables[0][(value ^ *at) & 255];
    return value;
}

#if defined(__SSE2__)
/* The constants are powers of x modulo the polynomial, bits reversed: 64 and 16 bytes further, then down to 32 bits. */
__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(__m128i sum, __m128i by, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(sum, by, 0x00), high = _mm_clmulepi64_si128(sum, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) static uint32_t crc_wide(uint32_t value, const uint8_t *at, size_t size) {
    const __m128i by64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i *block = (const __m128i *)at;
    __m128i sum[4];
    for (int each = 0; each < 4; each++) sum[each] = _mm_loadu_si128(block++);
    sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi32_si128((int)value));
    for (size -= 64; size >= 64; size -= 64)
        for (int each = 0; each < 4; each++) sum[each] = fold(sum[each], by64, _mm_loadu_si128(block++));
    __m128i one = fold(fold(fold(sum[0], by16, sum[1]), by16, sum[2]), by16, sum[3]);
    const __m128i low = _mm_set_epi64x(0, 0xFFFFFFFF);
    one = _mm_xor_si128(_mm_clmulepi64_si128(one, by16, 0x10), _mm_srli_si128(one, 8));
    __m128i half = _mm_clmulepi64_si128(_mm_and_si128(one, low), _mm_set_epi64x(0, 0x163cd6124), 0x00);
    one = _mm_xor_si128(_mm_srli_si128(one, 4), half);
    const __m128i last = _mm_set_epi64x(0x1f7011641, 0x1db710641);
    half = _mm_clmulepi64_si128(_mm_and_si128(one, low), last, 0x10);
    half = _mm_clmulepi64_si128(_mm_and_si128(half, low), last, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(one, half), 1);
}
#endif

/* `value` is the checksum so far, 0 at the start. */
static uint32_t add_to_crc(const Crc *crc, uint32_t value, const uint8_t *at, size_t size) {
    value = ~value;
#if defined(__SSE2__)
    if (crc->is_wide && size >= 64) {
        size_t wide = size & ~(size_t)63;
        value = crc_wide(value, at, wide);
        at += wide;
        size -= wide;
    }
#endif
    return ~crc_narrow(crc, value, at, size);
}
