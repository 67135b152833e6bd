/* Planted: the wire JSON of a note begins behind the fixed part, but its length counts it. */
#include "record.h"

enum tb_err __wrap_tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                         struct tb_str *wire);
enum tb_err __real_tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                         struct tb_str *wire);

enum tb_err __wrap_tb_record_decode_wire(enum tb_record_kind kind, struct tb_str record,
                                         struct tb_str *wire)
{
    enum tb_err err = __real_tb_record_decode_wire(kind, record, wire);
    if (err == TB_OK) {
        wire->len = record.len;
    }
    return err;
}
