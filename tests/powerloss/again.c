#include "again.h"

#include <sodium.h>
#include <stdio.h>

#include "board/parse.h"

#define TRANSACTIONS   3
#define TASKS          4 /* in each */
#define DUE_MAX        100
#define LATER_MS       1000
#define SENTENCE_BYTES 256

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)

static void random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

/* Runs the command; 0: it was refused or the storage failed. */
static int apply(struct tb_board *board, const struct tb_command *command)
{
    struct tb_reply reply;
    tb_board_apply(board, command, board->arena, &reply);
    return reply.err == TB_OK ? reply.http_status : 0;
}

static bool create(struct tb_board *board, struct tb_id *id)
{
    static const char body[] = "{\"title\":\"written after the power came back\","
                               "\"createdBy\":\"judge\",\"tags\":[\"again\"],"
                               "\"description\":\"so that pages are needed\"}";
    struct tb_parse parse = {.arena = board->arena};
    struct tb_command command = {.kind = TB_COMMAND_CREATE, .actor = tb_str_c("judge")};
    const struct tb_json *json = tb_parse_body(&parse, tb_str_c(body));
    bool created =
        json != NULL && tb_parse_create(&parse, json, &command) && apply(board, &command) == 201;
    *id = board->ids.last;
    return created;
}

static enum tb_visit take_id(void *ctx, const struct tb_task *task)
{
    *(struct tb_id *)ctx = task->id;
    return TB_VISIT_STOP;
}

/* Deletes the task that was changed last. */
static bool delete_one(struct tb_board *board)
{
    const struct tb_task_query query = {.order = TB_ORDER_UPDATED, .states = TB_STATES_ALL};
    struct tb_query_end end;
    struct tb_command command = {
        .kind = TB_COMMAND_DELETE, .force = true, .actor = tb_str_c("judge")};
    return tb_visit_tasks(board->txn, &query, take_id, &command.task_id, &end) == TB_OK &&
           apply(board, &command) == 200;
}

static bool write_once(struct tb_board *board, struct tb_store *store, struct tb_arena *arena,
                       int64_t now_ms)
{
    struct tb_txn *txn = NULL;
    struct tb_id id;
    if (tb_write_begin(store, arena, &txn) != TB_OK) {
        return false;
    }
    tb_board_begin(board, txn, arena, now_ms);
    (void)tb_board_run_due(board, DUE_MAX);
    bool good = true;
    for (int i = 0; i < TASKS && good; i++) {
        good = create(board, &id);
    }
    good = good && delete_one(board);
    if (!good) {
        tb_write_abort(&txn);
        return false;
    }
    return tb_write_commit(&txn) == TB_OK;
}

bool again_write(struct tb_store *store, struct tb_reader *reader, char *why, size_t why_size)
{
    char sentence[SENTENCE_BYTES];
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_txn *txn = NULL;
    struct tb_board board = {
        .options = AGAIN_BOARD_OPTIONS,
        .ids = {.random = random_bytes},
    };
    bool good = tb_read_begin(reader, arena, &txn) == TB_OK;
    int64_t now_ms = good ? tb_txn_head(txn)->last_ms : 0;
    board.started_ms = now_ms;
    if (good) {
        tb_read_end(&txn);
    }
    for (int i = 1; i <= TRANSACTIONS && good; i++) {
        tb_arena_reset(arena);
        good = write_once(&board, store, arena, now_ms + i * LATER_MS) ||
               FAIL(why, why_size, "the store that came back takes no writes");
    }
    if (good && tb_read_begin(reader, arena, &txn) == TB_OK) {
        good = tb_board_verify(txn, &board.options, 0, arena, sentence, sizeof(sentence)) ||
               FAIL(why, why_size, "after further writes: %s", sentence);
        tb_read_end(&txn);
    }
    tb_arena_free(arena);
    return good;
}
