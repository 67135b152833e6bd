/* What the tests of the import share. Lines are JSON with ' for ". */
#ifndef TB_TESTS_UNIT_BOARD_IMPORT_CHECK_H
#define TB_TESTS_UNIT_BOARD_IMPORT_CHECK_H

#include "fixture/fixture.h"

#include "board/export.h"
#include "taskboard/limits.h"

#define IMPORT_AT    "2023-06-01T00:00:00.000Z" /* well before the fixture's clock */
#define IMPORT_ID(n) "01H1T42300000000000000000" n

/* An object with all that a task, an attempt, a VM, a feed event must have, and what follows it. */
#define IMPORT_TASK(n, ...)                                                                        \
    "{'id':'" IMPORT_ID(n) "','title':'t','status':'open','createdBy':'ann','createdAt':"          \
                           "'" IMPORT_AT "'" __VA_ARGS__ "}"
#define IMPORT_ATTEMPT(n, ...)                                                                     \
    "{'attempt':" n ",'generation':" n ",'agent':'bob','claimedAt':'" IMPORT_AT                    \
    "','endedAt':'" IMPORT_AT "','outcome':'failed'" __VA_ARGS__ "}"
#define IMPORT_VM(id, ...)                                                                         \
    "{'id':'" id "','name':'v','role':'worker','address':'a','registeredAt':'" IMPORT_AT           \
    "','lastSeen':'" IMPORT_AT "'" __VA_ARGS__ "}"
#define IMPORT_EVENT(n, ...)                                                                       \
    "{'id':'" IMPORT_ID(n) "','agent':'bob','type':'finding','summary':'s','timestamp':"           \
                           "'" IMPORT_AT "'" __VA_ARGS__ "}"

/* The same as lines. */
#define IMPORT_TASK_LINE(n, ...)  "{'task':" IMPORT_TASK(n, __VA_ARGS__) "}\n"
#define IMPORT_VM_LINE(id, n)     "{'vm':" IMPORT_VM(id, "") ",'number':'" IMPORT_ID(n) "'}\n"
#define IMPORT_EVENT_LINE(n, ...) "{'feed':" IMPORT_EVENT(n, __VA_ARGS__) "}\n"
#define IMPORT_PAUSE_LINE(...)    "{'pause':{'since':'" IMPORT_AT "'" __VA_ARGS__ "}}\n"

static inline struct tb_id import_id(const char *text)
{
    struct tb_id id;
    assert_true(tb_ulid_parse(tb_str_c(text), &id));
    return id;
}

static inline void import_bytes(struct fixture *f, enum tb_import_format format,
                                struct tb_str bytes)
{
    const struct tb_command command = {
        .kind = TB_COMMAND_IMPORT,
        .actor = f->actor,
        .import = {.format = format, .bytes = bytes},
    };
    fixture_apply(f, &command);
}

static inline void import_text(struct fixture *f, enum tb_import_format format, const char *text)
{
    import_bytes(f, format, fixture_json(f, "%s", text));
}

/* Lines of an export: must succeed. */
static inline void import_lines(struct fixture *f, const char *lines)
{
    import_text(f, TB_IMPORT_NDJSON, lines);
    assert_reply(f, 200);
}

static inline bool import_add_bytes(void *ctx, const void *bytes, size_t len)
{
    tb_buf_add(ctx, bytes, len);
    return true;
}

/* The board as an export. */
static inline struct tb_str import_exported(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 4096);
    assert_int_equal(tb_export(fixture_read(f), import_add_bytes, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

/* Each row must be refused with its sentence, which names the line, and its members. */
struct import_row {
    const char *text;
    enum tb_err err;
    const char *message;
    const char *extra;
};

static inline void check_import_rows(struct fixture *f, enum tb_import_format format,
                                     const struct import_row *rows, size_t count)
{
    uint64_t seq = fixture_head(f).seq;
    for (size_t i = 0; i < count; i++) {
        import_text(f, format, rows[i].text);
        if (f->reply.err != rows[i].err) {
            print_error("%s\n%.*s\n", rows[i].text, (int)f->reply.message.len,
                        f->reply.message.ptr);
        }
        assert_refused(f, rows[i].err, rows[i].message, rows[i].extra);
        assert_int_equal(fixture_head(f).seq, seq);
    }
}

#endif
