/* Query strings, cursors and the headers that are read here.
 *
 * The first byte chooses what reads the rest. What is refused says why; what is accepted keeps to
 * the limits; the answer to a list that was accepted is valid JSON. */
#include "board/query.h"
#include "fixture/fixture.h"
#include "fuzz.h"
#include "http/auth.h"
#include "http/framing.h"
#include "http/header.h"
#include "http/origin.h"
#include "strict.h"

#define PIECE_BYTES ((size_t)64 * 1024)

/* A board that is only read. */
static struct fixture *board(void)
{
    static struct fixture f;
    if (f.store == NULL) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        fixture_open(&f, FIXTURE_MEMORY, 1);
        struct tb_id paint = fixture_create(
            &f, "{'title':'paint \\u00fc','createdBy':'ann','tags':['a','b'],'priority':3}");
        (void)fixture_create(&f, "{'title':'wait','createdBy':'bob','dependencies':['%s']}",
                             fixture_id(&f, paint));
        (void)fixture_claim(&f, "bob");
        fixture_register(&f, "vm-1", 60);
        (void)fixture_publish(&f, "ann", "found");
        for (int i = 0; i < 5; i++) {
            fixture_finish(&f, fixture_task_named(&f, "done"));
        }
    }
    fixture_forget(&f);
    return &f;
}

static void check_refusal(struct tb_arena *arena, const struct tb_refusal *refusal)
{
    struct strict_json read;
    must(refusal->err != TB_OK && tb_err_status(refusal->err) == 400);
    must(strict_text_within(refusal->message, 4096));
    if (refusal->extra.ptr != NULL) {
        struct tb_str extra = refusal->extra;
        strict_json_read(tb_arena_printf(arena, "{\"a\":1%.*s}", (int)extra.len, extra.ptr), &read);
        must(read.valid);
    }
}

static void check_body(enum tb_err err, const struct tb_buf *out)
{
    must(err == TB_OK || (tb_err_status(err) >= 400 && tb_err_status(err) < 500));
    must(err != TB_OK || strict_json_within(tb_buf_str(out), SIZE_MAX));
}

/* --- what is done with parameters --- */

typedef bool use_params(struct fixture *f, struct tb_parse *parse, const struct tb_params *params);

static bool read_list(struct fixture *f, const struct tb_list_request *request)
{
    struct tb_list list;
    struct tb_buf out;
    must(request->limit >= 1 && request->limit <= TB_LIST_LIMIT_MAX);
    must(request->max_bytes == 0 ||
         (request->max_bytes >= TB_MAX_BYTES_MIN && request->max_bytes <= TB_MAX_BYTES_MAX));
    must(request->query.word_count <= TB_QUERY_TERMS_MAX);
    tb_buf_init(&out, f->arena, 1024);
    tb_list_init(&list, request);
    for (unsigned pieces = 0; !list.done; pieces++) {
        must(pieces < 100);
        must(tb_list_piece(&list, fixture_read(f), &out, PIECE_BYTES) == TB_OK);
    }
    must(strict_json_within(tb_buf_str(&out), SIZE_MAX));
    must(list.count <= request->limit);
    if (list.more) {
        struct tb_position again;
        struct tb_str cursor = tb_cursor_format(f->arena, request->query.order, list.position);
        must(tb_cursor_parse(cursor, request->query.order, &again));
        must(again.key == list.position.key && tb_id_cmp(again.id, list.position.id) == 0);
    }
    return true;
}

static bool use_list(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_list_request request;
    uint64_t change = 0;
    if (!tb_parse_list(parse, params, &request)) {
        return false;
    }
    must(tb_read_list_change(fixture_read(f), &request, &change) == TB_OK);
    return read_list(f, &request);
}

static bool use_review(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_list_request request;
    return tb_parse_review_list(parse, params, &request) && read_list(f, &request);
}

static bool use_ready(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_ready_request request;
    struct tb_buf out;
    if (!tb_parse_ready(parse, params, &request)) {
        return false;
    }
    must(request.limit >= 1 && request.limit <= TB_LIST_LIMIT_MAX);
    must(strict_text_within(request.agent, TB_QUERY_BYTES_MAX));
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_ready(fixture_read(f), &request, f->clock.now_ms, &out), &out);
    return true;
}

static bool use_vms(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_vms_request request;
    struct tb_buf out;
    if (!tb_parse_vms(parse, params, &request)) {
        return false;
    }
    must(request.role < TB_VM_ROLE_COUNT && request.status < TB_VM_STATUS_COUNT);
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_vms(fixture_read(f), &request, f->clock.now_ms, &out), &out);
    return true;
}

static bool use_discover(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_vms_request request;
    struct tb_buf out;
    struct tb_str role = params->count > 0 ? params->items[0].value : TB_STR("worker");
    if (!tb_parse_discover(parse, params, role, &request)) {
        return false;
    }
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_vms(fixture_read(f), &request, f->clock.now_ms, &out), &out);
    return true;
}

static bool use_feed(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_feed_request request;
    struct tb_buf out;
    if (!tb_parse_feed(parse, params, &request)) {
        return false;
    }
    must(request.limit >= 1 && request.limit <= TB_FEED_EVENTS_MAX);
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_feed(fixture_read(f), &request, &out), &out);
    return true;
}

static bool use_events(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    struct tb_events_request request;
    struct tb_buf out;
    if (!tb_parse_events(parse, params, &request)) {
        return false;
    }
    must(request.limit >= 1 && request.limit <= TB_EVENTS_LIMIT_MAX);
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_events(fixture_read(f), &request, &out), &out);
    tb_buf_init(&out, f->arena, 1024);
    check_body(tb_read_history(fixture_read(f), &request, &out), &out);
    return true;
}

static bool use_wait(struct fixture *f, struct tb_parse *parse, const struct tb_params *params)
{
    int64_t wait_ms = -1;
    (void)f;
    if (!tb_parse_wait(parse, params, &wait_ms)) {
        return false;
    }
    must(wait_ms >= 0 && wait_ms <= TB_WAIT_SECONDS_MAX * INT64_C(1000));
    return true;
}

static use_params *const uses[] = {
    use_list, use_review, use_ready, use_vms, use_discover, use_feed, use_events, use_wait,
};

static void run_query(use_params *use, struct tb_str query)
{
    struct fixture *f = board();
    struct tb_params params;
    struct tb_parse parse = {.arena = f->arena};
    bool good = tb_params_parse(&parse, query, &params);
    if (good) {
        must(params.count <= TB_QUERY_TERMS_MAX && query.len <= TB_QUERY_BYTES_MAX);
        for (size_t i = 0; i < params.count; i++) {
            must(strict_text_within(params.items[i].name, TB_QUERY_BYTES_MAX));
            must(strict_text_within(params.items[i].value, TB_QUERY_BYTES_MAX));
        }
        good = use(f, &parse, &params);
    }
    if (!good) {
        check_refusal(f->arena, &parse.refusal);
    }
    fixture_end_read(f);
}

static void run_cursor(struct tb_str cursor)
{
    struct fixture *f = board();
    for (enum tb_order order = TB_ORDER_CREATED; order <= TB_ORDER_RANK; order++) {
        struct tb_position position;
        if (tb_cursor_parse(cursor, order, &position)) {
            must(tb_str_eq(tb_cursor_format(f->arena, order, position), cursor));
        }
    }
}

/* --- headers --- */

static bool is_inside(struct tb_str part, struct tb_str whole)
{
    return part.ptr == NULL ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void run_if_match(struct tb_str header)
{
    struct fixture *f = board();
    struct tb_parse parse = {.arena = f->arena};
    struct tb_if_match if_match = {.present = false};
    if (!tb_parse_if_match(&parse, header, &if_match)) {
        check_refusal(f->arena, &parse.refusal);
        return;
    }
    must(if_match.present && (if_match.any || if_match.version_count <= header.len));
}

static void run_key(struct tb_str header)
{
    struct fixture *f = board();
    struct tb_parse parse = {.arena = f->arena};
    struct tb_str key;
    if (!tb_parse_idempotency_key(&parse, header, &key)) {
        check_refusal(f->arena, &parse.refusal);
        return;
    }
    must(key.len >= 1 && key.len <= TB_IDEMPOTENCY_KEY_BYTES_MAX);
    for (size_t i = 0; i < key.len; i++) {
        must(key.ptr[i] >= 0x20 && key.ptr[i] < 0x7F);
    }
}

static void run_claim_token(struct tb_str header)
{
    struct fixture *f = board();
    struct tb_parse parse = {.arena = f->arena};
    struct tb_str token;
    if (!tb_parse_claim_token(&parse, header, &token)) {
        check_refusal(f->arena, &parse.refusal);
        return;
    }
    must(strict_text_within(token, TB_CLAIM_TOKEN_BYTES_MAX));
}

static void run_bearer(struct tb_str header)
{
    struct tb_auth auth;
    struct tb_identity identity;
    struct tb_str token;
    tb_auth_init(&auth, TB_STR("secret"));
    bool right = tb_auth_check(&auth, header, &identity) == TB_OK;
    bool has = tb_header_bearer(header, &token);
    must(!has || is_inside(token, header));
    must(right == (has && tb_str_eq(token, TB_STR("secret"))));
    tb_auth_fini(&auth);
}

static void run_preferences(struct tb_str header)
{
    struct tb_str value;
    if (tb_header_preference(header, TB_STR("wait"), &value)) {
        must(is_inside(value, header));
    }
    if (tb_header_prefers(header, TB_STR("handling"), TB_STR("strict"))) {
        must(tb_header_preference(header, TB_STR("handling"), &value) && value.len == 6);
    }
    (void)tb_header_accepts(header, TB_STR("text/event-stream"));
    must(!tb_header_has_tag(header, TB_STR("\"1\"")) ||
         memchr(header.ptr, '*', header.len) != NULL ||
         memmem(header.ptr, header.len, "\"1\"", 3) != NULL);
    must(!tb_request_id_valid(header) || header.len <= TB_REQUEST_ID_BYTES_MAX);
    must(is_inside(tb_header_traceparent(header), header));
}

/* Host and Origin, with a line between them. */
static void run_origin(struct tb_str header)
{
    struct fuzz_input input = {header.ptr, header.len};
    struct tb_origin origin = {.checks = true, .checks_host = true};
    struct tb_str host = TB_STR("");
    const char *why = NULL;
    (void)fuzz_until(&input, '\n', &host);
    tb_origin_set_public_url(&origin, "https://board.example/path");
    struct tb_str sent = input.left == 0 ? TB_STR_NONE : fuzz_rest(&input);
    enum tb_err err = tb_origin_check(&origin, host, sent, &why);
    must(err == TB_OK || (err == TB_E_FORBIDDEN && why != NULL));
    must(err != TB_OK || memmem(host.ptr, host.len, "evil", 4) == NULL ||
         memmem(host.ptr, host.len, "localhost", 9) != NULL ||
         strncasecmp(host.ptr, "evil", 4) != 0 || host.len > 4);
}

static void run_framing(struct tb_str head)
{
    struct tb_str path, query;
    const char *fault = tb_framing_fault(head, false);
    const char *older = tb_framing_fault(head, true);
    must(fault == NULL || fault[0] != '\0');
    must(fault == NULL || older != NULL);
    if (tb_framing_target(head, &path, &query)) {
        must(path.len > 0 && path.ptr[0] == '/');
        must(is_inside(query, head));
        must(memchr(path.ptr, '?', path.len) == NULL);
    }
}

typedef void run_text(struct tb_str text);

static run_text *const texts[] = {
    run_cursor, run_if_match,    run_key,    run_claim_token,
    run_bearer, run_preferences, run_origin, run_framing,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    unsigned choice = (unsigned)(fuzz_byte(&input) - 'a') % 16;
    struct tb_str rest = fuzz_rest(&input);
    char *exact = fuzz_exact(rest);
    if (choice < COUNT(uses)) {
        run_query(uses[choice], tb_str_from(exact, rest.len));
    } else {
        texts[choice - COUNT(uses)](tb_str_from(exact, rest.len));
    }
    free(exact);
    return 0;
}
