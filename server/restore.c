#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "taskboard/storage.h"

/* More claims than any board hands out in a millisecond, and the least time that is reckoned with.
 */
#define CLAIMS_A_MS    1000
#define ELAPSED_MS_MIN INT64_C(86400000)

/* The board that the copy was made of has gone on: it may have handed out claims that the copy does
 * not know of. No generation may come twice, for other systems tell the older holder by it. And a
 * board with another history is another store. */
static void begin_anew(struct tb_head *head)
{
    int64_t elapsed_ms = tb_clock_wall_ms(tb_clock_system()) - head->last_ms;
    if (elapsed_ms < ELAPSED_MS_MIN) {
        elapsed_ms = ELAPSED_MS_MIN;
    }
    head->generation += (uint64_t)elapsed_ms * CLAIMS_A_MS;
    randombytes_buf(&head->store_id, sizeof(head->store_id));
}

static enum tb_err change_head(struct tb_store *store)
{
    struct tb_txn *txn = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    enum tb_err err = tb_write_begin(store, arena, &txn);
    if (err == TB_OK) {
        begin_anew(tb_txn_head(txn));
        err = tb_write_commit(&txn);
    }
    tb_arena_free(arena);
    return err;
}

static bool take_over(const struct tb_restore_options *options, const char *folder, char *why,
                      size_t why_size)
{
    struct tb_store *store = NULL;
    struct tb_store_options opening = {
        .url = folder, .map_bytes = options->map_bytes, .readers_max = 1};
    if (tb_store_open(&opening, &store, why, why_size) != TB_OK) {
        return false;
    }
    enum tb_err err = change_head(store);
    tb_store_close(&store);
    if (err != TB_OK) {
        (void)snprintf(why, why_size, "The restored board cannot be written: %s", tb_err_text(err));
    }
    return err == TB_OK;
}

static bool judge(void *ctx, const char *folder, char *why, size_t why_size)
{
    const struct tb_restore_options *options = ctx;
    struct tb_check_options check = {
        .url = folder, .folder = folder, .map_bytes = options->map_bytes, .board = options->board};
    switch (tb_check_store(&check, why, why_size)) {
    case TB_CHECK_SOUND:
        return take_over(options, folder, why, why_size);
    case TB_CHECK_NOTHING:
        (void)snprintf(why, why_size, "%s holds no board", options->file);
        return false;
    case TB_CHECK_FAULTY:
        (void)snprintf(why, why_size, "%s is damaged, or no whole backup", options->file);
        return false;
    default:
        return false;
    }
}

bool tb_restore_backup(const struct tb_restore_options *options, char *why, size_t why_size)
{
    int fd = open(options->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)snprintf(why, why_size, "%s cannot be opened: %s", options->file, strerror(errno));
        return false;
    }
    struct tb_restore_options copy = *options;
    struct tb_restore restore = {.url = options->url, .from_fd = fd, .judge = judge, .ctx = &copy};
    enum tb_err err = tb_store_restore(&restore, why, why_size);
    (void)close(fd);
    return err == TB_OK;
}
