#include "base/buf.h"

#include <stdlib.h>

#include "base/instant.h"

#define DIGITS_MAX 20 /* of a uint64_t; also of an int64_t with its sign */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

void tb_buf_init(struct tb_buf *buf, struct tb_arena *arena, size_t first_bytes)
{
    buf->arena = arena;
    buf->ptr = first_bytes == 0 ? NULL : tb_arena_alloc(arena, first_bytes);
    buf->len = 0;
    buf->cap = first_bytes;
}

static void grow(struct tb_buf *buf, size_t more)
{
    if (more > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4) {
        abort();
    }
    size_t cap = buf->cap < 64 ? 128 : buf->cap * 2;
    if (cap < buf->len + more) {
        cap = buf->len + more;
    }
    char *ptr = tb_arena_alloc(buf->arena, cap);
    if (buf->ptr != NULL) {
        memcpy(ptr, buf->ptr, buf->len);
    }
    buf->ptr = ptr;
    buf->cap = cap;
}

char *tb_buf_reserve(struct tb_buf *buf, size_t more)
{
    if (buf->ptr == NULL || more > buf->cap - buf->len) {
        grow(buf, more);
    }
    return buf->ptr + buf->len;
}

void tb_buf_add(struct tb_buf *buf, const void *bytes, size_t len)
{
    if (len > 0) {
        memcpy(tb_buf_reserve(buf, len), bytes, len);
        buf->len += len;
    }
}

void tb_buf_add_str(struct tb_buf *buf, struct tb_str s)
{
    tb_buf_add(buf, s.ptr, s.len);
}

void tb_buf_add_c(struct tb_buf *buf, const char *c_string)
{
    tb_buf_add(buf, c_string, strlen(c_string));
}

/* Writes the digits so that they end before `end`; returns where they begin. */
static char *digits_before(char *end, uint64_t number)
{
    while (number >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + number * 2, 2);
        return end;
    }
    *--end = (char)('0' + number);
    return end;
}

void tb_buf_add_i64(struct tb_buf *buf, int64_t number)
{
    char digits[DIGITS_MAX];
    char *end = digits + sizeof(digits);
    char *at = digits_before(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    if (number < 0) {
        *--at = '-';
    }
    tb_buf_add(buf, at, (size_t)(end - at));
}

void tb_buf_add_u64(struct tb_buf *buf, uint64_t number)
{
    char digits[DIGITS_MAX];
    char *end = digits + sizeof(digits);
    char *at = digits_before(end, number);
    tb_buf_add(buf, at, (size_t)(end - at));
}

void tb_buf_add_quoted(struct tb_buf *buf, struct tb_str text)
{
    char *out = tb_buf_reserve(buf, text.len + 2);
    out[0] = '"';
    if (text.len > 0) {
        memcpy(out + 1, text.ptr, text.len);
    }
    out[text.len + 1] = '"';
    buf->len += text.len + 2;
}

void tb_buf_add_instant(struct tb_buf *buf, int64_t ms)
{
    char *out = tb_buf_reserve(buf, TB_INSTANT_LEN + 2);
    out[0] = '"';
    tb_instant_format(ms, out + 1);
    out[TB_INSTANT_LEN + 1] = '"';
    buf->len += TB_INSTANT_LEN + 2;
}

struct tb_str tb_buf_str(const struct tb_buf *buf)
{
    return buf->ptr == NULL ? TB_STR("") : tb_str_from(buf->ptr, buf->len);
}
