/* What the tests of the bodies' parsers share. */
#ifndef TB_TESTS_UNIT_BOARD_PARSE_CHECK_H
#define TB_TESTS_UNIT_BOARD_PARSE_CHECK_H

#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id parse_check_id = {.bytes = {1}};

static inline bool parse(struct fixture *f, enum tb_command_kind kind, struct tb_command *command,
                         const char *body)
{
    return fixture_parse(f, kind, parse_check_id, command, fixture_json(f, "%s", body));
}

/* Each row's body must be refused with its message and field. */
struct refused_row {
    const char *body;
    enum tb_err err;
    const char *message;
    const char *extra;
};

static inline void check_refused_rows(struct fixture *f, enum tb_command_kind kind,
                                      const struct refused_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tb_command command;
        if (parse(f, kind, &command, rows[i].body)) {
            fail_msg("taken: %s", rows[i].body);
        }
        assert_refused(f, rows[i].err, rows[i].message, rows[i].extra);
    }
}

static inline void check_taken_rows(struct fixture *f, enum tb_command_kind kind,
                                    const char *const *bodies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tb_command command;
        if (!parse(f, kind, &command, bodies[i])) {
            fail_msg("refused: %s: %.*s", bodies[i], (int)f->reply.message.len,
                     f->reply.message.ptr);
        }
        assert_int_equal(command.kind, kind);
    }
}

/* A text of that many bytes between `before` and `after` must be taken, one byte more must not. */
static inline void check_limit(struct fixture *f, enum tb_command_kind kind, const char *before,
                               const char *after, const char *field, size_t bytes_max)
{
    for (size_t more = 0; more < 2; more++) {
        struct tb_command command;
        struct tb_str body = fixture_json(f, "%s%s%s", before,
                                          fixture_repeat(f->arena, "x", bytes_max + more), after);
        assert_int_equal(fixture_parse(f, kind, parse_check_id, &command, body), more == 0);
    }
    assert_refused(f, TB_E_INVALID_FIELD,
                   tb_arena_printf(f->arena, "%s is longer than %zu bytes", field, bytes_max).ptr,
                   tb_arena_printf(f->arena, ",'field':'%s'", field).ptr);
}

#endif
