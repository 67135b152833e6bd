#include "board/import_source.h"

#include "board/field.h"

#define NODES_MAX (4 * 1024 * 1024)

static const char *const format_names[TB_IMPORT_FORMAT_COUNT] = {
    [TB_IMPORT_NDJSON] = "ndjson",
    [TB_IMPORT_BOARD_JSON] = "board.json",
    [TB_IMPORT_REGISTRY_JSON] = "registry.json",
    [TB_IMPORT_FEED_JSONL] = "feed.jsonl",
};

const char *tb_import_format_name(enum tb_import_format format)
{
    return format_names[format];
}

bool tb_import_format_parse(struct tb_str name, enum tb_import_format *format)
{
    for (int i = 0; i < TB_IMPORT_FORMAT_COUNT; i++) {
        if (tb_str_eq_c(name, format_names[i])) {
            *format = (enum tb_import_format)i;
            return true;
        }
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool open_document(struct tb_parse *parse, const char *name, struct tb_str bytes,
                          struct tb_import_source *source)
{
    const struct tb_json_limits limits = {
        .depth_max = TB_IMPORT_DEPTH_MAX, .tree_depth = 3, .node_count_max = NODES_MAX};
    struct tb_json_error error;
    const struct tb_json *root = tb_json_parse(parse->arena, bytes, &limits, &error);
    if (root == NULL) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "The file is not valid JSON: %.*s",
                               (int)error.text.len, error.text.ptr);
    }
    const struct tb_json *list = root->type == TB_JSON_OBJECT ? tb_json_member(root, name) : NULL;
    if (list == NULL || list->type != TB_JSON_ARRAY) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, name,
                               "The file must be an object with an array %s", name);
    }
    source->node = list->child;
    return true;
}

bool tb_import_open(struct tb_parse *parse, enum tb_import_format format, struct tb_str bytes,
                    struct tb_import_source *source)
{
    *source =
        (struct tb_import_source){.format = format, .at = bytes.ptr, .end = bytes.ptr + bytes.len};
    switch (format) {
    case TB_IMPORT_BOARD_JSON:
        return open_document(parse, "tasks", bytes, source);
    case TB_IMPORT_REGISTRY_JSON:
        return open_document(parse, "vms", bytes, source);
    default:
        return true;
    }
}

static bool next_line(struct tb_import_source *source, struct tb_str *text)
{
    while (source->at < source->end) {
        const char *start = source->at;
        const char *stop = memchr(start, '\n', (size_t)(source->end - start));
        stop = stop != NULL ? stop : source->end;
        source->at = stop < source->end ? stop + 1 : stop;
        source->number++;
        while (stop > start && is_space(stop[-1])) {
            stop--;
        }
        if (stop > start) {
            *text = tb_str_from(start, (size_t)(stop - start));
            return true;
        }
    }
    return false;
}

bool tb_import_next(struct tb_import_source *source, struct tb_str *text)
{
    bool lines = source->format == TB_IMPORT_NDJSON || source->format == TB_IMPORT_FEED_JSONL;
    if (lines) {
        return next_line(source, text);
    }
    if (source->node == NULL) {
        return false;
    }
    *text = source->node->raw;
    source->node = source->node->next;
    source->number++;
    return true;
}
