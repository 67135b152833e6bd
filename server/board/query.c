#include "board/query.h"

#include "base/instant.h"
#include "board/field.h"
#include "board/query_value.h"
#include "model/words.h"

/* What a parser fills in: one row a parameter. `filter` ones may be empty, which is as if they were
 * not there. */
struct list_parse {
    struct tb_parse *parse;
    struct tb_list_request *request;
    struct tb_str *tags; /* the arrays behind request->query */
    struct tb_str *words;
    bool is_review; /* its states and order are fixed */
    struct tb_str cursor;
};

typedef bool param_reader(struct list_parse *list, struct tb_str value);

struct param_row {
    const char *name;
    param_reader *read;
    bool filter; /* may be repeated (all of them must hold) and may be empty (ignored) */
};

bool tb_query_refuse(struct tb_parse *parse, const char *name, const char *reason)
{
    return tb_field_refuse(parse, TB_E_INVALID_QUERY, name, "%s %s", name, reason);
}

bool tb_query_once(struct tb_parse *parse, const char *name, bool *given)
{
    if (*given) {
        return tb_query_refuse(parse, name, "is given more than once");
    }
    *given = true;
    return true;
}

bool tb_query_number(struct tb_parse *parse, const char *name, struct tb_str value, int64_t min,
                     int64_t max, int64_t *out)
{
    int64_t number = 0;
    if (!tb_str_to_i64(value, &number) || number < min || number > max) {
        return tb_field_refuse(parse, TB_E_INVALID_QUERY, name,
                               "%s must be a whole number from %lld to %lld", name, (long long)min,
                               (long long)max);
    }
    *out = number;
    return true;
}

/* Splits off the next entry of a comma list. */
static bool next_entry(struct tb_str *list, struct tb_str *entry)
{
    if (list->ptr == NULL) {
        return false;
    }
    const char *comma = memchr(list->ptr, ',', list->len);
    size_t len = comma != NULL ? (size_t)(comma - list->ptr) : list->len;
    *entry = tb_str_from(list->ptr, len);
    *list = comma != NULL ? tb_str_from(comma + 1, list->len - len - 1) : TB_STR_NONE;
    return true;
}

static unsigned states_of(enum tb_status status)
{
    unsigned states = 0;
    for (unsigned state = 0; state < TB_STATE_COUNT; state++) {
        if (tb_state_status((enum tb_state)state) == status) {
            states |= 1U << state;
        }
    }
    return states;
}

static bool read_status(struct list_parse *list, struct tb_str value)
{
    unsigned states = 0;
    struct tb_str name;
    if (list->is_review) {
        return true;
    }
    while (next_entry(&value, &name)) {
        enum tb_status status;
        if (tb_status_parse(name, &status)) {
            states |= states_of(status);
        }
    }
    list->request->query.states &= states;
    return true;
}

static bool read_ready(struct list_parse *list, struct tb_str value)
{
    const unsigned ready = 1U << TB_STATE_READY;
    if (tb_str_eq_c(value, "true")) {
        list->request->query.states &= ready;
        list->request->ready_only = true;
        return true;
    }
    if (tb_str_eq_c(value, "false")) {
        list->request->query.states &= TB_STATES_ALL & ~ready;
        list->request->unready_only = true;
        return true;
    }
    return tb_query_refuse(list->parse, "ready", "must be true or false");
}

/* Two different values of a field that has only one, or a blank one: nothing fits. */
static bool read_text(struct list_parse *list, struct tb_str value, struct tb_str *to)
{
    struct tb_str text = tb_text_trim(value);
    if (text.len == 0 || (to->ptr != NULL && !tb_str_eq(*to, text))) {
        list->request->nothing = true;
    }
    *to = text;
    return true;
}

static bool read_assignee(struct list_parse *list, struct tb_str value)
{
    return read_text(list, value, &list->request->query.assignee);
}

static bool read_created_by(struct list_parse *list, struct tb_str value)
{
    return read_text(list, value, &list->request->query.created_by);
}

static bool read_parent(struct list_parse *list, struct tb_str value)
{
    struct tb_task_query *query = &list->request->query;
    struct tb_id id;
    bool fits = tb_ulid_parse(value, &id) && !tb_id_is_zero(id) &&
                (tb_id_is_zero(query->parent_id) || tb_id_cmp(query->parent_id, id) == 0);
    if (!fits) {
        list->request->nothing = true;
        return true;
    }
    query->parent_id = id;
    return true;
}

static bool read_tag(struct list_parse *list, struct tb_str value)
{
    list->tags[list->request->query.tag_count++] = value;
    return true;
}

static bool read_q(struct list_parse *list, struct tb_str value)
{
    struct tb_task_query *query = &list->request->query;
    struct tb_words words = tb_words_of(value);
    struct tb_str word;
    bool any = tb_text_trim(value).len == 0;
    while (tb_words_next(&words, &word)) {
        if (query->word_count == TB_QUERY_TERMS_MAX) {
            return tb_field_refuse(list->parse, TB_E_INVALID_QUERY, "q", "q has more than %d words",
                                   TB_QUERY_TERMS_MAX);
        }
        list->words[query->word_count++] = tb_arena_dup(list->parse->arena, word);
        any = true;
    }
    list->request->nothing = list->request->nothing || !any; /* no task has a word like "!?" */
    return true;
}

static bool read_updated_since(struct list_parse *list, struct tb_str value)
{
    int64_t ms = 0;
    if (!tb_instant_parse(value, &ms)) {
        return tb_query_refuse(list->parse, "updatedSince",
                               "must be an instant such as 2026-11-22T13:30:00.000Z");
    }
    struct tb_task_query *query = &list->request->query;
    query->updated_since_ms = ms > query->updated_since_ms ? ms : query->updated_since_ms;
    return true;
}

static bool read_order(struct list_parse *list, struct tb_str value)
{
    static const char *const names[] = {
        [TB_ORDER_CREATED] = "created",
        [TB_ORDER_UPDATED] = "updated",
        [TB_ORDER_RANK] = "rank",
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (tb_str_eq_c(value, names[i])) {
            if (!list->is_review) {
                list->request->query.order = (enum tb_order)i;
            }
            return true;
        }
    }
    return tb_query_refuse(list->parse, "order", "must be created, updated or rank");
}

static bool read_limit(struct list_parse *list, struct tb_str value)
{
    int64_t limit = 0;
    if (!tb_query_number(list->parse, "limit", value, 1, TB_LIST_LIMIT_MAX, &limit)) {
        return false;
    }
    list->request->limit = (uint32_t)limit;
    return true;
}

static bool read_max_bytes(struct list_parse *list, struct tb_str value)
{
    int64_t max_bytes = 0;
    if (!tb_query_number(list->parse, "maxBytes", value, TB_MAX_BYTES_MIN, TB_MAX_BYTES_MAX,
                         &max_bytes)) {
        return false;
    }
    list->request->max_bytes = (uint32_t)max_bytes;
    return true;
}

static bool read_cursor(struct list_parse *list, struct tb_str value)
{
    list->cursor = value;
    return true;
}

static bool read_wait(struct list_parse *list, struct tb_str value)
{
    int64_t seconds = 0;
    return tb_query_number(list->parse, "wait", value, 0, TB_WAIT_SECONDS_MAX, &seconds);
}

static bool read_view(struct list_parse *list, struct tb_str value)
{
    list->request->summary = tb_str_eq_c(value, "summary");
    return list->request->summary || tb_str_eq_c(value, "full") ||
           tb_query_refuse(list->parse, "view", "must be summary or full");
}

static bool read_fields(struct list_parse *list, struct tb_str value)
{
    struct tb_str name;
    while (next_entry(&value, &name)) {
        enum tb_field field;
        if (!tb_field_parse(name, &field)) {
            return tb_query_refuse(list->parse, "fields", "names a field that tasks do not have");
        }
        list->request->fields[field] = true;
    }
    list->request->has_fields = true;
    return true;
}

static const struct param_row list_rows[] = {
    {"status", read_status, true},
    {"assignee", read_assignee, true},
    {"tag", read_tag, true},
    {"createdBy", read_created_by, true},
    {"parentId", read_parent, true},
    {"ready", read_ready, true},
    {"q", read_q, true},
    {"updatedSince", read_updated_since, true},
    {"order", read_order, false},
    {"limit", read_limit, false},
    {"maxBytes", read_max_bytes, false},
    {"cursor", read_cursor, false},
    {"view", read_view, false},
    {"fields", read_fields, false},
    {"wait", read_wait, false},
};

#define LIST_ROWS (sizeof(list_rows) / sizeof(list_rows[0]))

static bool read_params(struct list_parse *list, const struct tb_params *params)
{
    bool seen[LIST_ROWS] = {false};
    for (size_t i = 0; i < params->count; i++) {
        const struct tb_param *param = &params->items[i];
        for (size_t row = 0; row < LIST_ROWS; row++) {
            if (!tb_str_eq_c(param->name, list_rows[row].name)) {
                continue;
            }
            if (list_rows[row].filter && param->value.len == 0) {
                continue;
            }
            if (!list_rows[row].filter && seen[row]) {
                return tb_query_refuse(list->parse, list_rows[row].name, "is given more than once");
            }
            seen[row] = true;
            if (!list_rows[row].read(list, param->value)) {
                return false;
            }
        }
    }
    return true;
}

static bool finish(struct list_parse *list)
{
    struct tb_task_query *query = &list->request->query;
    if (query->states == 0) {
        list->request->nothing = true;
    }
    query->scan_max =
        query->order == TB_ORDER_CREATED ? TB_LIST_SCAN_CREATED_MAX : TB_LIST_SCAN_MAX;
    if (list->cursor.ptr == NULL) {
        return true;
    }
    query->has_after = true;
    return tb_cursor_parse(list->cursor, query->order, &query->after) ||
           tb_field_refuse(list->parse, TB_E_INVALID_CURSOR, "cursor",
                           "cursor is not one that this board gave for this order");
}

static bool parse_list(struct tb_parse *parse, const struct tb_params *params,
                       struct tb_list_request *request, bool is_review)
{
    struct list_parse list = {
        .parse = parse,
        .request = request,
        .tags = tb_arena_alloc(parse->arena, TB_QUERY_TERMS_MAX * sizeof(struct tb_str)),
        .words = tb_arena_alloc(parse->arena, TB_QUERY_TERMS_MAX * sizeof(struct tb_str)),
        .is_review = is_review,
    };
    request->query.tags = list.tags;
    request->query.words = list.words;
    return read_params(&list, params) && finish(&list);
}

bool tb_parse_list(struct tb_parse *parse, const struct tb_params *params,
                   struct tb_list_request *request)
{
    *request = (struct tb_list_request){
        .query = {.order = TB_ORDER_CREATED, .states = TB_STATES_ALL},
        .limit = TB_LIST_LIMIT_MAX,
    };
    return parse_list(parse, params, request, false);
}

bool tb_parse_review_list(struct tb_parse *parse, const struct tb_params *params,
                          struct tb_list_request *request)
{
    *request = (struct tb_list_request){
        .query = {.order = TB_ORDER_UPDATED, .states = 1U << TB_STATE_IN_REVIEW},
        .limit = TB_LIST_LIMIT_MAX,
    };
    return parse_list(parse, params, request, true);
}

/* --- lists of events --- */

struct event_terms {
    struct tb_str topics[TB_QUERY_TERMS_MAX];
    struct tb_str types[TB_QUERY_TERMS_MAX];
    struct tb_str agents[TB_QUERY_TERMS_MAX];
    struct tb_str tags[TB_QUERY_TERMS_MAX];
    bool has_since;
    bool has_limit;
};

static bool read_since(struct tb_parse *parse, struct tb_str value, uint64_t *since)
{
    int64_t number = 0;
    if (!tb_query_number(parse, "since", value, 0, INT64_MAX, &number)) {
        return false;
    }
    *since = (uint64_t)number;
    return true;
}

static bool read_events_limit(struct tb_parse *parse, struct tb_str value, uint32_t *limit)
{
    int64_t number = 0;
    if (!tb_query_number(parse, "limit", value, 1, TB_EVENTS_LIMIT_MAX, &number)) {
        return false;
    }
    *limit = (uint32_t)number;
    return true;
}

static void read_task_id(struct tb_events_request *request, struct tb_str value)
{
    struct tb_id id;
    if (!tb_ulid_parse(value, &id) || tb_id_is_zero(id) ||
        (!tb_id_is_zero(request->task_id) && tb_id_cmp(request->task_id, id) != 0)) {
        request->nothing = true;
        return;
    }
    request->task_id = id;
}

static bool read_event_param(struct tb_parse *parse, const struct tb_param *param,
                             struct event_terms *terms, struct tb_events_request *request)
{
    struct tb_str name = param->name;
    struct tb_str value = param->value;
    if (tb_str_eq_c(name, "since")) {
        return tb_query_once(parse, "since", &terms->has_since) &&
               read_since(parse, value, &request->since);
    }
    if (tb_str_eq_c(name, "limit")) {
        return tb_query_once(parse, "limit", &terms->has_limit) &&
               read_events_limit(parse, value, &request->limit);
    }
    if (value.len == 0) {
        return true;
    }
    if (tb_str_eq_c(name, "topic")) {
        terms->topics[request->topic_count++] = value;
    } else if (tb_str_eq_c(name, "type")) {
        terms->types[request->type_count++] = value;
    } else if (tb_str_eq_c(name, "agent")) {
        terms->agents[request->agent_count++] = tb_text_trim(value);
    } else if (tb_str_eq_c(name, "tag")) {
        terms->tags[request->tag_count++] = value;
    } else if (tb_str_eq_c(name, "taskId")) {
        read_task_id(request, value);
    }
    return true;
}

bool tb_parse_events(struct tb_parse *parse, const struct tb_params *params,
                     struct tb_events_request *request)
{
    struct event_terms *terms = tb_arena_zalloc(parse->arena, sizeof(*terms));
    *request = (struct tb_events_request){
        .limit = TB_EVENTS_LIMIT_DEFAULT,
        .topics = terms->topics,
        .types = terms->types,
        .agents = terms->agents,
        .tags = terms->tags,
    };
    for (size_t i = 0; i < params->count; i++) {
        if (!read_event_param(parse, &params->items[i], terms, request)) {
            return false;
        }
    }
    return true;
}
