#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/parse.h"

/* --- the file --- */

static bool map_file(const char *path, struct tb_str *bytes, char *why, size_t why_size)
{
    struct stat status = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 || fstat(fd, &status) != 0 ? errno : 0;
    *bytes = TB_STR("");
    if (code == 0 && !S_ISREG(status.st_mode)) {
        code = EINVAL; /* what is read twice must be a file */
    }
    if (code == 0 && status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        code = map == MAP_FAILED ? errno : 0;
        *bytes = tb_str_from(map, (size_t)status.st_size);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (code != 0) {
        (void)snprintf(why, why_size, "%s cannot be read: %s", path, strerror(code));
    }
    return code == 0;
}

static bool has_name(const char *path, const char *name)
{
    size_t len = strlen(path);
    size_t name_len = strlen(name);
    return len >= name_len && strcmp(path + len - name_len, name) == 0;
}

static bool find_format(const struct tb_import_options *options, enum tb_import_format *format,
                        char *why, size_t why_size)
{
    const char *name = options->format;
    if (name != NULL) {
        if (tb_import_format_parse(tb_str_c(name), format)) {
            return true;
        }
        (void)snprintf(why, why_size,
                       "--format must be ndjson, board.json, registry.json or feed.jsonl");
        return false;
    }
    for (int i = 0; i < TB_IMPORT_FORMAT_COUNT; i++) {
        *format = (enum tb_import_format)i;
        if (has_name(options->file, tb_import_format_name(*format))) {
            return true;
        }
    }
    (void)snprintf(why, why_size, "the name of %s does not tell what it is: give --format",
                   options->file);
    return false;
}

/* --- the board --- */

static void random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

/* What the server's committer does with a batch of one. */
static enum tb_err run(const struct tb_import_options *options, struct tb_store *store,
                       const struct tb_command *command, struct tb_arena *arena,
                       struct tb_reply *reply)
{
    struct tb_txn *txn = NULL;
    struct tb_board board = {.options = options->board, .ids = {.random = random_bytes}};
    enum tb_err err = tb_write_begin(store, arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    tb_board_begin(&board, txn, arena, tb_clock_wall_ms(tb_clock_system()));
    tb_board_apply(&board, command, arena, reply);
    if (reply->err != TB_OK) {
        tb_write_abort(&txn);
        return reply->err;
    }
    return tb_write_commit(&txn);
}

static void explain(enum tb_err err, const struct tb_reply *reply, struct tb_arena *arena,
                    char *why, size_t why_size)
{
    bool told = reply->err == err && reply->message.ptr != NULL;
    struct tb_str text =
        told ? tb_text_to_bytes(arena, reply->message) : tb_str_c(tb_err_text(err));
    (void)snprintf(why, why_size, "nothing was imported: %.*s", (int)text.len, text.ptr);
}

static bool import(const struct tb_import_options *options, const struct tb_command *command,
                   char *why, size_t why_size)
{
    struct tb_store *store = NULL;
    struct tb_reply reply = {.err = TB_OK};
    struct tb_store_options opening = {
        .url = options->url, .map_bytes = options->map_bytes, .readers_max = 1, .create = true};
    if (tb_store_open(&opening, &store, why, why_size) != TB_OK) {
        return false;
    }
    struct tb_arena *arena = tb_arena_new(0);
    enum tb_err err = run(options, store, command, arena, &reply);
    if (err != TB_OK) {
        explain(err, &reply, arena, why, why_size);
    } else {
        (void)printf("imported %s: %.*s\n", options->file, (int)reply.body.len, reply.body.ptr);
    }
    tb_arena_free(arena);
    tb_store_close(&store);
    return err == TB_OK;
}

bool tb_import_file(const struct tb_import_options *options, char *why, size_t why_size)
{
    struct tb_command command = {.kind = TB_COMMAND_IMPORT, .actor = TB_STR("taskboardd")};
    if (!find_format(options, &command.import.format, why, why_size) ||
        !map_file(options->file, &command.import.bytes, why, why_size)) {
        return false;
    }
    bool done = import(options, &command, why, why_size);
    if (command.import.bytes.len > 0) {
        (void)munmap((void *)(uintptr_t)command.import.bytes.ptr, command.import.bytes.len);
    }
    return done;
}
