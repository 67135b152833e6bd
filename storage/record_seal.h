/* What all records share; private to the record files. */
#ifndef TB_STORAGE_RECORD_SEAL_H
#define TB_STORAGE_RECORD_SEAL_H

#include <assert.h>
#include <stddef.h>
#include <xxhash.h>

#include "record.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "records are little-endian and copied as they stand in memory");

#define TB_SLICE_ABSENT UINT32_MAX

/* The first bytes of every record; the structs below begin alike. */
struct tb_record_envelope {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
};

/* A string's place in the wire JSON. */
struct tb_slice {
    uint32_t at; /* TB_SLICE_ABSENT: there is no such string */
    uint32_t len;
};

/* The layouts are on disk: these numbers never change without a new format. */
static_assert(offsetof(struct tb_record_envelope, format) == 8 &&
                  offsetof(struct tb_record_envelope, kind) == 9,
              "all begin alike");

static inline uint64_t tb_record_checksum(const void *record, size_t size)
{
    return XXH3_64bits((const char *)record + sizeof(uint64_t), size - sizeof(uint64_t));
}

static inline void tb_record_seal(void *record, size_t size)
{
    uint64_t sum = tb_record_checksum(record, size);
    memcpy(record, &sum, sizeof sum);
}

/* Copies the fixed part out, once the record is known to be whole and of that kind. */
static inline bool tb_record_open(struct tb_str record, enum tb_record_kind kind, void *fixed,
                                  size_t size)
{
    if (record.len < size) {
        return false;
    }
    struct tb_record_envelope envelope;
    memcpy(&envelope, record.ptr, sizeof envelope);
    memcpy(fixed, record.ptr, size);
    return envelope.checksum == tb_record_checksum(record.ptr, record.len) &&
           envelope.format == TB_RECORD_FORMAT && envelope.kind == (uint8_t)kind;
}

static inline struct tb_slice tb_slice_of(struct tb_str string, struct tb_str wire)
{
    if (string.ptr == NULL) {
        return (struct tb_slice){.at = TB_SLICE_ABSENT};
    }
    assert(string.ptr >= wire.ptr && string.ptr + string.len <= wire.ptr + wire.len);
    return (struct tb_slice){(uint32_t)(string.ptr - wire.ptr), (uint32_t)string.len};
}

static inline bool tb_slice_string(struct tb_slice slice, struct tb_str wire, struct tb_str *string)
{
    if (slice.at == TB_SLICE_ABSENT) {
        *string = TB_STR_NONE;
        return true;
    }
    *string = tb_str_from(wire.ptr + slice.at, slice.len);
    return slice.at <= wire.len && slice.len <= wire.len - slice.at;
}

#endif
