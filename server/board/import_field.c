#include "board/import_field.h"

#include "board/dependency.h"
#include "board/field.h"

#define NUMBER_MAX INT64_C(9007199254740991) /* that every reader of JSON takes exactly */

static void note_id(struct tb_import_item *item, struct tb_id id)
{
    if (tb_id_cmp(id, item->latest_id) > 0) {
        item->latest_id = id;
    }
}

static void note_ms(struct tb_import_item *item, int64_t ms)
{
    item->latest_ms = ms > item->latest_ms ? ms : item->latest_ms;
}

bool tb_import_read_id(struct tb_parse *parse, const struct tb_json *node, const char *field,
                       struct tb_import_item *item, struct tb_id *id)
{
    if (node == NULL || node->type != TB_JSON_STRING || !tb_dependency_id(tb_json_text(node), id) ||
        tb_id_is_zero(*id)) { /* which stands for none */
        struct tb_str shown = tb_field_shown(parse, node);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be a ULID, not %.*s",
                               field, (int)shown.len, shown.ptr);
    }
    note_id(item, *id);
    return true;
}

bool tb_import_read_past(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         struct tb_import_item *item, int64_t *ms)
{
    *ms = 0;
    if (!tb_field_instant(parse, node, field, ms)) {
        return false;
    }
    if (tb_field_is_absent(node)) {
        return tb_field_refuse(parse, TB_E_MISSING_FIELD, field, "%s is required", field);
    }
    note_ms(item, *ms);
    return true;
}

bool tb_import_read_number(struct tb_parse *parse, const struct tb_json *node, const char *field,
                           int64_t min, uint64_t *number)
{
    int64_t value = (int64_t)*number;
    bool good = tb_field_integer(parse, node, field, min, NUMBER_MAX, &value);
    *number = (uint64_t)value;
    return good;
}

bool tb_import_read_u32(struct tb_parse *parse, const struct tb_json *node, const char *field,
                        int64_t max, uint32_t *number)
{
    int64_t value = *number;
    bool good = tb_field_integer(parse, node, field, 0, max, &value);
    *number = (uint32_t)value;
    return good;
}

bool tb_import_expect(struct tb_parse *parse, const struct tb_json *node, enum tb_json_type type,
                      const char *what)
{
    return node->type == type || tb_field_refuse(parse, TB_E_INVALID_FIELD, NULL, "%s", what);
}

bool tb_import_read_list(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         size_t *count)
{
    *count = tb_field_is_absent(node) ? 0 : node->child_count;
    return tb_field_is_absent(node) || node->type == TB_JSON_ARRAY ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must be an array", field);
}
