/* Saying what is wrong with an input and where. Internal to json.c; knows yajl's sentences but not
 * its headers. */
#ifndef TB_BASE_JSON_ERROR_H
#define TB_BASE_JSON_ERROR_H

#include <stddef.h>

#include "base/str.h"

struct tb_json_fault {
    const char *what; /* a clause that " at byte N" can follow */
    size_t offset;
};

/* What yajl means by `message` (not verbose) when it stopped at `offset`, and where the fault
 * really begins. */
struct tb_json_fault tb_json_fault_of(const char *message, struct tb_str input, size_t offset);

/* As much of a text as a message can bear, cut between characters. */
struct tb_str tb_json_shown(struct tb_str text);

#endif
