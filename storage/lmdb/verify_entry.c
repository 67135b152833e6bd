/* What the keys of entries are made of, as a table: for the check of their form, and for people. */
#include <stdio.h>

#include "lmdb/verify.h"

/* The parts of a key, a letter each:
 *   s state   n number i64   u number u64   w number u16   m marks   i id   k kind of a name
 *   h 16 bytes of a hash or digest   t text */
static const struct form {
    const char *name;
    const char *parts;
} forms[] = {
    [TB_INDEX_CREATED] = {"CREATED", "si"},
    [TB_INDEX_UPDATED] = {"UPDATED", "snim"},
    [TB_INDEX_RANK] = {"RANK", "sni"},
    [TB_INDEX_ASSIGNEE] = {"ASSIGNEE", "ti"},
    [TB_INDEX_CREATED_BY] = {"CREATED_BY", "ti"},
    [TB_INDEX_PARENT] = {"PARENT", "ii"},
    [TB_INDEX_UNIQUE] = {"UNIQUE", "ti"},
    [TB_INDEX_DUE] = {"DUE", "ni"},
    [TB_INDEX_TAG] = {"TAG", "ti"},
    [TB_INDEX_DEPENDENT] = {"DEPENDENT", "ti"},
    [TB_INDEX_WORD] = {"WORD", "ti"},
    [TB_INDEX_EVENT] = {"EVENT", "iu"},
    [TB_INDEX_READY] = {"READY", "hni"},
    [TB_INDEX_READY_SINCE] = {"READY_SINCE", "ni"},
    [TB_INDEX_NAME] = {"NAME", "ktuuuu"},
    [TB_INDEX_NAME_ORDER] = {"NAME_ORDER", "kwuh"},
    [TB_INDEX_ANSWER] = {"ANSWER", "hu"},
    [TB_INDEX_VM] = {"VM", "ti"},
    [TB_INDEX_DUE_VM] = {"DUE_VM", "ni"},
    [TB_INDEX_VM_TASK] = {"VM_TASK", "ti"},
    [TB_INDEX_FEED] = {"FEED", "u"},
    [TB_INDEX_FEED_AGENT] = {"FEED_AGENT", "tu"},
    [TB_CHECK_COUNT] = {"NAME", "ktuu"},
    [TB_CHECK_PLACE] = {"NAME_ORDER", "ktwu"},
};

static const struct form *form_of(uint8_t index)
{
    bool known = index < sizeof forms / sizeof *forms && forms[index].name != NULL;
    return known ? &forms[index] : NULL;
}

const char *tb_entry_index_name(uint8_t index)
{
    const struct form *form = form_of(index);
    return form == NULL ? "unknown" : form->name;
}

/* The bytes of the text that begins there, its end included; 0: it has none. */
static size_t text_bytes(const uint8_t *at, size_t left)
{
    enum { HASH_BYTES = 16, SHORT_MAX = TB_KEY_TEXT_BYTES_MAX };
    size_t len = 0;
    while (len < left && len <= SHORT_MAX && at[len] > 1) {
        len++;
    }
    if (len == left || len > SHORT_MAX) {
        return 0;
    }
    return at[len] == 0 ? len + 1 : len + 1 + HASH_BYTES;
}

static size_t part_bytes(char part, const uint8_t *at, size_t left)
{
    switch (part) {
    case 's':
    case 'k':
        return 1;
    case 'w':
        return sizeof(uint16_t);
    case 'm':
        return sizeof(uint32_t);
    case 'n':
    case 'u':
        return sizeof(uint64_t);
    case 't':
        return text_bytes(at, left);
    default:
        return sizeof(struct tb_id);
    }
}

bool tb_entry_has_form(const uint8_t *key, size_t len)
{
    const struct form *form = len == 0 ? NULL : form_of(key[0]);
    size_t at = 1;
    if (form == NULL) {
        return false;
    }
    for (const char *part = form->parts; *part != '\0'; part++) {
        size_t bytes = part_bytes(*part, key + at, len - at);
        if (bytes == 0 || bytes > len - at) {
            return false;
        }
        at += bytes;
    }
    return at == len;
}

/* --- for people --- */

/* It has an end: the form of the key was looked at. */
static int describe_text(const uint8_t *at, char *out, size_t room)
{
    enum { SHOWN_MAX = 64 };
    char shown[SHOWN_MAX + 1];
    size_t len = 0;
    while (len < SHOWN_MAX && at[len] > 1) {
        shown[len] = at[len] < ' ' || at[len] == 0x7f ? '?' : (char)at[len];
        len++;
    }
    shown[len] = '\0';
    return snprintf(out, room, " \"%s\"%s", shown, at[len] == 0 ? "" : " ...");
}

static int describe_part(char part, const uint8_t *at, char *out, size_t room)
{
    static const char *const kinds[TB_NAME_KIND_COUNT] = {"tag", "assignee", "VM"};
    switch (part) {
    case 's':
        return snprintf(out, room, " state %u", at[0]);
    case 'k':
        return snprintf(out, room, " %s", at[0] < TB_NAME_KIND_COUNT ? kinds[at[0]] : "?");
    case 'w':
        return snprintf(out, room, " %u", (unsigned)at[0] << 8 | at[1]);
    case 'm':
        return snprintf(out, room, " marks %08x", tb_key_read_u32(at));
    case 'n':
        return snprintf(out, room, " %lld", (long long)tb_key_read_i64(at));
    case 'u':
        return snprintf(out, room, " %llu", (unsigned long long)tb_key_read_u64(at));
    case 't':
        return describe_text(at, out, room);
    case 'h':
        return snprintf(out, room, " %016llx%016llx", (unsigned long long)tb_key_read_u64(at),
                        (unsigned long long)tb_key_read_u64(at + sizeof(uint64_t)));
    default: {
        struct tb_id id;
        char ulid[TB_ULID_LEN];
        memcpy(id.bytes, at, sizeof id.bytes);
        tb_ulid_format(id, ulid);
        return snprintf(out, room, " %.*s", TB_ULID_LEN, ulid);
    }
    }
}

void tb_entry_describe(const uint8_t *key, size_t len, char text[TB_ENTRY_TEXT_BYTES])
{
    if (!tb_entry_has_form(key, len)) {
        (void)snprintf(text, TB_ENTRY_TEXT_BYTES, "unknown, %zu bytes", len);
        return;
    }
    const struct form *form = form_of(key[0]);
    size_t used = (size_t)snprintf(text, TB_ENTRY_TEXT_BYTES, "%s", form->name);
    size_t at = 1;
    for (const char *part = form->parts; *part != '\0' && used < TB_ENTRY_TEXT_BYTES; part++) {
        used += (size_t)describe_part(*part, key + at, text + used, TB_ENTRY_TEXT_BYTES - used);
        at += part_bytes(*part, key + at, len - at);
    }
}
