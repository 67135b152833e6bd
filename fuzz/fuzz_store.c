/* A store of the LMDB engine in which something was damaged: every read says so, or gives an
 * answer; none crashes, reads outside, or never ends.
 *
 * The store is a small board. An input is edits of six bytes and more, each
 *
 *   database | entry | what | at u16 | length | as many bytes
 *
 * what: overwrite bytes of the value, cut it, add to it, delete the entry, put another one with
 * these bytes as its key. The manifest of the runs is sealed anew, so that more than its checksum
 * is tried. Afterwards everything is put back. */
#include <xxhash.h>

#include "fixture/fixture.h"
#include "fuzz.h"
#include "lmdb/lmdb.h"
#include "strict.h"

#define EDITS_MAX        4
#define INPUTS_PER_STORE 500
#define VALUE_BYTES_MAX  ((size_t)64 * 1024)

enum { OVERWRITE, CUT, ADD, DELETE, PUT, WHAT_COUNT };

struct undo {
    MDB_dbi dbi;
    bool was_there;
    struct tb_str key; /* both malloced */
    struct tb_str value;
};

static struct fixture f;
static struct undo undos[EDITS_MAX];
static unsigned undo_count;

/* --- the board --- */

static void fill_board(void)
{
    fixture_register(&f, "vm-1", 60);
    struct tb_id first = fixture_create(&f, "{'title':'paint the wall','createdBy':'ann',"
                                            "'tags':['a','b'],'uniqueKey':'u'}");
    for (int i = 0; i < 12; i++) {
        (void)fixture_create(&f,
                             "{'title':'wall %d','createdBy':'ann','tags':['a'],"
                             "'assignee':'bob','dependencies':['%s'],'payload':{'n':%d}}",
                             i, fixture_id(&f, first), i);
    }
    fixture_send(&f, TB_COMMAND_NOTE, first, "{'author':'ann','content':'see'}");
    fixture_send(&f, TB_COMMAND_ARTIFACTS, first,
                 "{'artifacts':[{'type':'branch','url':'b','label':'l'}]}");
    struct fixture_claim claim = fixture_claim(&f, "bob");
    fixture_hold(&f, TB_COMMAND_COMPLETE, claim, ",'result':{'a':1}");
    (void)fixture_claim(&f, "bob");
    (void)fixture_publish(&f, "ann", "found");
    fixture_send(&f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'b','by':'ann'}");
}

static struct tb_lmdb_store *engine(void)
{
    return (struct tb_lmdb_store *)f.store;
}

/* What was put back verifies. */
static void close_board(void)
{
    if (f.store != NULL) {
        fixture_close(&f);
        f.store = NULL;
    }
}

static void open_board(void)
{
    static unsigned input_count;
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (input_count == 0) {
        must(atexit(close_board) == 0); /* it leaves no folder behind */
    }
    if (input_count++ % INPUTS_PER_STORE == 0) {
        close_board();
    }
    if (f.store == NULL) {
        fixture_open(&f, FIXTURE_LMDB, 1);
        must(mdb_env_set_flags(engine()->env, MDB_NOSYNC, 1) == 0);
        fill_board();
    }
}

/* --- edits --- */

static struct tb_str keep(MDB_val val)
{
    struct tb_str bytes = tb_mdb_str(val);
    return tb_str_from(fuzz_exact(bytes), bytes.len);
}

static bool find_entry(MDB_txn *txn, MDB_dbi dbi, unsigned nth, MDB_val *key, MDB_val *value)
{
    MDB_cursor *cursor = NULL;
    MDB_stat stat;
    must(mdb_stat(txn, dbi, &stat) == 0 && mdb_cursor_open(txn, dbi, &cursor) == 0);
    bool found = stat.ms_entries > 0 && mdb_cursor_get(cursor, key, value, MDB_FIRST) == 0;
    for (size_t i = 0; found && i < nth % stat.ms_entries; i++) {
        found = mdb_cursor_get(cursor, key, value, MDB_NEXT) == 0;
    }
    mdb_cursor_close(cursor);
    return found;
}

/* LMDB's own database holds the roots of the others, too: those are LMDB's business. */
static bool is_ours(unsigned db, struct tb_str key)
{
    return db != TB_DB_META || tb_str_eq(key, TB_STR("head")) || tb_str_eq(key, TB_STR("pauses")) ||
           tb_str_eq(key, TB_STR("runs"));
}

static void seal_manifest(char *bytes, size_t len)
{
    if (len >= sizeof(uint64_t)) {
        uint64_t sum = XXH3_64bits(bytes + sizeof(sum), len - sizeof(sum));
        memcpy(bytes, &sum, sizeof(sum));
    }
}

static void put(MDB_txn *txn, MDB_dbi dbi, struct tb_str key, struct tb_str value)
{
    MDB_val mdb_key = tb_mdb_val(key.ptr, key.len), mdb_value = tb_mdb_val(value.ptr, value.len);
    must(mdb_put(txn, dbi, &mdb_key, &mdb_value, 0) == 0);
}

static void change_value(MDB_txn *txn, const struct undo *undo, unsigned what, size_t at,
                         struct tb_str bytes)
{
    size_t len = undo->value.len;
    char *changed = calloc(1, len + bytes.len + 1);
    must(changed != NULL);
    memcpy(changed, undo->value.ptr, len);
    at = len == 0 ? 0 : at % len;
    if (what == OVERWRITE) {
        size_t count = bytes.len < len - at ? bytes.len : len - at;
        memcpy(changed + at, bytes.ptr, count);
    } else if (what == CUT) {
        len = at;
    } else {
        memcpy(changed + len, bytes.ptr, bytes.len);
        len += bytes.len;
    }
    if (tb_str_eq(undo->key, TB_STR("runs"))) {
        seal_manifest(changed, len);
    }
    put(txn, undo->dbi, undo->key, tb_str_from(changed, len));
    free(changed);
}

static void edit(MDB_txn *txn, struct fuzz_input *input)
{
    unsigned db = fuzz_byte(input) % TB_DB_COUNT, nth = fuzz_byte(input);
    unsigned what = fuzz_byte(input) % WHAT_COUNT;
    size_t at = fuzz_byte(input);
    at = at << 8 | fuzz_byte(input);
    size_t len = fuzz_byte(input);
    len = len < input->left ? len : input->left;
    struct tb_str bytes = tb_str_from(input->at, len);
    input->at += len;
    input->left -= len;
    MDB_val key, value;
    MDB_dbi dbi = engine()->dbis[db];
    if (!find_entry(txn, dbi, nth, &key, &value) || !is_ours(db, tb_mdb_str(key))) {
        return;
    }
    struct undo *undo = &undos[undo_count++];
    *undo = (struct undo){dbi, true, keep(key), keep(value)};
    if (what == DELETE) {
        must(mdb_del(txn, dbi, &key, NULL) == 0);
    } else if (what != PUT) {
        change_value(txn, undo, what, at, bytes);
    } else if (db != TB_DB_META && bytes.len > 0 && bytes.len <= TB_KEY_BYTES_MAX) {
        struct tb_str copy = undo->value;
        free((char *)(uintptr_t)undo->key.ptr);
        undo->key = tb_str_from(fuzz_exact(bytes), bytes.len);
        key = tb_mdb_val(bytes.ptr, bytes.len);
        undo->was_there = mdb_get(txn, dbi, &key, &value) == 0;
        undo->value = undo->was_there ? keep(value) : TB_STR_NONE;
        put(txn, dbi, undo->key, copy);
        free((char *)(uintptr_t)copy.ptr);
    }
}

/* Last ones first, so that of two edits of one entry the first value comes back. */
static void put_back(void)
{
    MDB_txn *txn = NULL;
    must(mdb_txn_begin(engine()->env, NULL, 0, &txn) == 0);
    while (undo_count > 0) {
        struct undo *undo = &undos[--undo_count];
        MDB_val key = tb_mdb_val(undo->key.ptr, undo->key.len);
        if (undo->was_there) {
            put(txn, undo->dbi, undo->key, undo->value);
        } else {
            must(mdb_del(txn, undo->dbi, &key, NULL) == 0);
        }
        free((char *)(uintptr_t)undo->key.ptr);
        free((char *)(uintptr_t)undo->value.ptr);
    }
    must(mdb_txn_commit(txn) == 0);
}

/* --- reads --- */

static void check(enum tb_err err)
{
    int status = tb_err_status(err);
    must(err == TB_OK || err == TB_E_STORAGE_CORRUPT || err == TB_E_ABSENT ||
         (status >= 400 && status < 500));
}

/* An answer that is given is whole: what the checksums let pass was written by the engine. */
static void check_answer(enum tb_err err, const struct tb_buf *out)
{
    check(err);
    must(err != TB_OK || strict_json_within(tb_buf_str(out), SIZE_MAX));
}

typedef enum tb_err read_fn(struct tb_txn *txn, struct tb_buf *out);

static void read_one(struct tb_txn *txn, read_fn *read)
{
    struct tb_buf out;
    tb_buf_init(&out, f.arena, 1024);
    check_answer(read(txn, &out), &out);
}

static void read_list(struct tb_txn *txn, const char *query)
{
    struct tb_parse parse = {.arena = f.arena};
    struct tb_params params;
    struct tb_list_request request;
    struct tb_list list;
    struct tb_buf out;
    enum tb_err err = TB_OK;
    uint64_t change = 0;
    must(tb_params_parse(&parse, tb_str_c(query), &params));
    must(tb_parse_list(&parse, &params, &request));
    check(tb_read_list_change(txn, &request, &change));
    tb_buf_init(&out, f.arena, 1024);
    tb_list_init(&list, &request);
    for (unsigned pieces = 0; err == TB_OK && !list.done; pieces++) {
        must(pieces < 1000);
        err = tb_list_piece(&list, txn, &out, VALUE_BYTES_MAX);
    }
    check_answer(err, &out);
}

static void read_lists(struct tb_txn *txn)
{
    static const char *const queries[] = {
        "",
        "order=updated",
        "order=rank",
        "tag=a",
        "tag=a&tag=b",
        "q=wall",
        "status=done",
        "assignee=bob",
        "createdBy=ann",
        "ready=true",
        "q=wall&tag=a&status=open",
    };
    for (size_t i = 0; i < COUNT(queries); i++) {
        read_list(txn, queries[i]);
    }
}

static enum tb_visit collect(void *ctx, const struct tb_task *task)
{
    struct tb_id **next = ctx;
    *(*next)++ = task->id;
    return TB_VISIT_NEXT;
}

static struct tb_id asked; /* the task that the next four read */

static enum tb_err read_task(struct tb_txn *txn, struct tb_buf *out)
{
    uint64_t version = 0;
    bool done = false;
    return tb_read_task(txn, asked, out, &version, &done);
}

static enum tb_err read_attempts(struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_attempts(txn, asked, out);
}

static enum tb_err read_why(struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_why(txn, asked, TB_STR("bob"), TB_STR("vm-1"), f.clock.now_ms, out);
}

static enum tb_err read_history(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_events_request history = {.limit = 100, .task_id = asked};
    return tb_read_history(txn, &history, out);
}

static void read_tasks(struct tb_txn *txn)
{
    struct tb_id ids[64], *end = ids;
    struct tb_task_query query = {.states = TB_STATES_ALL, .scan_max = COUNT(ids)};
    struct tb_query_end query_end;
    check(tb_visit_tasks(txn, &query, collect, &end, &query_end));
    must(end - ids <= (ptrdiff_t)COUNT(ids));
    for (const struct tb_id *id = ids; id < end; id++) {
        asked = *id;
        read_one(txn, read_task);
        read_one(txn, read_attempts);
        read_one(txn, read_why);
        read_one(txn, read_history);
    }
}

static enum tb_err read_events(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_events_request events = {.limit = 100};
    return tb_read_events(txn, &events, out);
}

static enum tb_err read_feed(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_feed_request feed = {.type = -1, .limit = 100};
    return tb_read_feed(txn, &feed, out);
}

static enum tb_err read_vms(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_vms_request vms = {.role = -1, .status = -1};
    return tb_read_vms(txn, &vms, f.clock.now_ms, out);
}

static enum tb_err read_vm(struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_vm(txn, TB_STR("vm-1"), f.clock.now_ms, out);
}

static enum tb_err read_ready(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_ready_request ready = {.limit = 100, .agent = TB_STR("bob")};
    return tb_read_ready(txn, &ready, f.clock.now_ms, out);
}

static enum tb_err read_summary(struct tb_txn *txn, struct tb_buf *out)
{
    return tb_read_summary(txn, f.clock.now_ms, out);
}

static void read_rest(struct tb_txn *txn)
{
    static read_fn *const reads[] = {
        read_events, read_feed, tb_read_feed_stats, read_vms, read_vm, read_ready, read_summary,
    };
    for (size_t i = 0; i < COUNT(reads); i++) {
        read_one(txn, reads[i]);
    }
}

static void read_everything(void)
{
    struct tb_txn *txn = NULL;
    char why[256];
    enum tb_err err = tb_read_begin(f.reader, f.arena, &txn);
    check(err);
    if (err != TB_OK) {
        return;
    }
    read_lists(txn);
    read_tasks(txn);
    read_rest(txn);
    (void)tb_board_verify(txn, &f.board.options, f.clock.now_ms, f.arena, why, sizeof(why));
    tb_read_end(&txn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    MDB_txn *txn = NULL;
    open_board();
    fixture_forget(&f);
    must(mdb_txn_begin(engine()->env, NULL, 0, &txn) == 0);
    for (unsigned i = 0; i < EDITS_MAX && input.left > 0; i++) {
        edit(txn, &input);
    }
    must(mdb_txn_commit(txn) == 0);
    read_everything();
    put_back();
    return 0;
}
