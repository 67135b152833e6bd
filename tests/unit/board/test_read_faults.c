/* A read whose engine fails, at whichever call, fails with that error. */
#include "fixture/fixture.h"

#include "board/export.h"
#include "taskboard/storage_testing.h"

#define CALLS_MAX 200

struct board {
    struct fixture *f;
    struct tb_id first;
    struct tb_id held;
    struct tb_id said;
};

typedef enum tb_err read_fn(const struct board *board, struct tb_txn *txn, struct tb_buf *out);

static void fill(struct fixture *f, struct board *board)
{
    const struct tb_id none = {{0}};
    board->f = f;
    board->first = fixture_create(f, "{'title':'first','createdBy':'ann','tags':['red']}");
    fixture_send(f, TB_COMMAND_NOTE, board->first, "{'author':'a','content':'c','type':'finding'}");
    fixture_send(f, TB_COMMAND_REVIEW, board->first,
                 "{'summary':'s','artifacts':[{'type':'url','url':'u','label':'l'}]}");
    fixture_patch(f, board->first, "{'status':'open'}");
    fixture_task_after(f, "second", board->first);
    fixture_task_after(f, "third", board->first);
    fixture_register(f, "vm", 300);
    fixture_register(f, "another", 300);
    board->held = fixture_create(f, "{'title':'held','createdBy':'ann','tags':['blue']}");
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, board->held, "bob"), ",'error':'e'");
    fixture_advance(f, 60000);
    (void)fixture_run_due(f, 10);
    (void)fixture_claim_on(f, board->held, "vm", 300);
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'red'}");
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, none, "{'name':'n','role':'viewer'}");
    board->said = fixture_publish(f, "ann", "said");
}

/* --- the reads --- */

static enum tb_err read_task(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    uint64_t version = 0;
    bool done = false;
    return tb_read_task(txn, board->first, out, &version, &done);
}

static enum tb_err read_notes(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_notes(txn, board->first, out);
}

static enum tb_err read_attempts(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_attempts(txn, board->held, out);
}

static enum tb_err read_dependents(const struct board *board, struct tb_txn *txn,
                                   struct tb_buf *out)
{
    return tb_read_dependents(txn, board->first, out);
}

static enum tb_err read_why_paused(const struct board *board, struct tb_txn *txn,
                                   struct tb_buf *out)
{
    return tb_read_why(txn, board->first, TB_STR("bob"), TB_STR("vm"), board->f->clock.now_ms, out);
}

static enum tb_err read_why_held(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_why(txn, board->held, TB_STR_NONE, TB_STR_NONE, board->f->clock.now_ms, out);
}

static enum tb_err read_summary(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_summary(txn, board->f->clock.now_ms, out);
}

static enum tb_err read_vm(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_vm(txn, TB_STR("vm"), board->f->clock.now_ms, out);
}

static enum tb_err read_feed_event(const struct board *board, struct tb_txn *txn,
                                   struct tb_buf *out)
{
    return tb_read_feed_event(txn, board->said, out);
}

static enum tb_err read_feed_stats(const struct board *board, struct tb_txn *txn,
                                   struct tb_buf *out)
{
    (void)board;
    return tb_read_feed_stats(txn, out);
}

static enum tb_err read_tokens(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_tokens(txn, board->f->clock.now_ms, out);
}

static void parse_query(const struct board *board, const char *query, struct tb_parse *parse,
                        struct tb_params *params)
{
    *parse = (struct tb_parse){.arena = board->f->arena};
    assert_true(tb_params_parse(parse, tb_str_c(query), params));
}

static enum tb_err read_ready(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_ready_request request;
    parse_query(board, "agent=bob&vmId=vm", &parse, &params);
    assert_true(tb_parse_ready(&parse, &params, &request));
    return tb_read_ready(txn, &request, board->f->clock.now_ms, out);
}

static enum tb_err read_vms(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_vms_request request;
    parse_query(board, "", &parse, &params);
    assert_true(tb_parse_vms(&parse, &params, &request));
    return tb_read_vms(txn, &request, board->f->clock.now_ms, out);
}

static enum tb_err read_feed(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_feed_request request;
    parse_query(board, "agent=ann", &parse, &params);
    assert_true(tb_parse_feed(&parse, &params, &request));
    return tb_read_feed(txn, &request, out);
}

static struct tb_events_request events_request(const struct board *board)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_events_request request;
    parse_query(board, "tag=red", &parse, &params);
    assert_true(tb_parse_events(&parse, &params, &request));
    return request;
}

static enum tb_err read_events(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_events_request request = events_request(board);
    return tb_read_events(txn, &request, out);
}

static enum tb_err read_history(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_events_request request = events_request(board);
    request.task_id = board->first;
    return tb_read_history(txn, &request, out);
}

static enum tb_err read_pages(const struct board *board, struct tb_txn *txn, struct tb_buf *out,
                              const char *query)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_list_request request;
    struct tb_list list;
    struct tb_position next;
    bool more = false;
    parse_query(board, query, &parse, &params);
    assert_true(tb_parse_list(&parse, &params, &request));
    tb_list_init(&list, &request);
    enum tb_err err = tb_list_piece(&list, txn, out, 1);
    if (err == TB_OK && !list.done) {
        err = tb_list_find_end(&list, txn, &more, &next);
    }
    while (err == TB_OK && !list.done) {
        err = tb_list_piece(&list, txn, out, 1);
    }
    return err;
}

static enum tb_err read_list(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    return read_pages(board, txn, out, "");
}

static enum tb_err read_list_of_some(const struct board *board, struct tb_txn *txn,
                                     struct tb_buf *out)
{
    return read_pages(board, txn, out, "ready=false&tag=red&fields=id,notes,artifacts");
}

static enum tb_err read_change(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    struct tb_parse parse;
    struct tb_params params;
    struct tb_list_request request;
    uint64_t change = 0;
    parse_query(board, "tag=red&tag=blue&assignee=ann", &parse, &params);
    assert_true(tb_parse_list(&parse, &params, &request));
    enum tb_err err = tb_read_list_change(txn, &request, &change);
    tb_buf_add_u64(out, change);
    return err;
}

static bool add_bytes(void *ctx, const void *bytes, size_t len)
{
    tb_buf_add(ctx, bytes, len);
    return true;
}

static enum tb_err export_all(const struct board *board, struct tb_txn *txn, struct tb_buf *out)
{
    (void)board;
    return tb_export(txn, add_bytes, out);
}

/* --- the checks --- */

/* False: the read did not come to its nth call. */
static bool fails_at(const struct board *board, read_fn *read, uint64_t nth, struct tb_str good)
{
    struct tb_buf out;
    tb_buf_init(&out, board->f->arena, 1024);
    struct tb_txn *txn = fixture_read(board->f);
    tb_fault_set(board->f->store, nth, TB_E_STORAGE_DOWN, true);
    enum tb_err err = read(board, txn, &out);
    bool reached = tb_fault_calls(board->f->store) >= nth;
    tb_fault_set(board->f->store, 0, TB_OK, true);
    fixture_end_read(board->f);
    assert_int_equal(err, reached ? TB_E_STORAGE_DOWN : TB_OK);
    if (!reached) {
        assert_str_eq(tb_buf_str(&out), good);
    }
    return reached;
}

static void a_read_fails_at_whichever_call_the_engine_fails(void **state)
{
    static read_fn *const reads[] = {
        read_task,       read_notes,      read_attempts, read_dependents,   read_why_paused,
        read_why_held,   read_summary,    read_vm,       read_vms,          read_ready,
        read_feed,       read_feed_event, read_tokens,   read_events,       read_history,
        read_feed_stats, read_list,       read_change,   read_list_of_some, export_all,
    };
    struct fixture *f = *state;
    struct board board;
    fill(f, &board);
    fixture_add_faults(f);
    for (size_t i = 0; i < COUNT(reads); i++) {
        struct tb_buf good;
        tb_buf_init(&good, f->arena, 1024);
        assert_int_equal(reads[i](&board, fixture_read(f), &good), TB_OK);
        fixture_end_read(f);
        uint64_t nth = 1;
        while (nth <= CALLS_MAX && fails_at(&board, reads[i], nth, tb_buf_str(&good))) {
            nth++;
        }
        assert_in_range(nth, 2, CALLS_MAX);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_read_fails_at_whichever_call_the_engine_fails),
    };
    return cmocka_run_group_tests_name("read_faults", tests, NULL, NULL);
}
