/* What the tests of tb_board_verify share. Each plants some damage, which must be found, and does
 * away with it again because the fixture verifies once more when it closes. */
#ifndef TB_TESTS_UNIT_BOARD_DAMAGE_CHECK_H
#define TB_TESTS_UNIT_BOARD_DAMAGE_CHECK_H

#include "fixture/fixture.h"

static inline bool verify(struct fixture *f, char *why, size_t why_size)
{
    struct tb_txn *txn = fixture_read(f);
    bool holds = tb_board_verify(txn, &f->board.options, f->clock.now_ms, f->arena, why, why_size);
    fixture_end_read(f);
    return holds;
}

static inline void check_damage(struct fixture *f, const char *wanted, int line)
{
    char why[256] = "";
    bool holds = verify(f, why, sizeof(why));
    if (holds || strcmp(why, wanted) != 0) {
        print_error("line %d: got [%s], wanted [%s]\n", line, why, wanted);
    }
    assert_false(holds);
    assert_string_equal(why, wanted);
}

#define assert_damage(f, ...)                                                                      \
    check_damage((f), tb_arena_printf((f)->arena, __VA_ARGS__).ptr, __LINE__)

typedef void damage_task(struct tb_task *task);

static inline void set_head(struct fixture *f, const struct tb_head *head)
{
    fixture_begin(f);
    *tb_txn_head(f->txn) = *head;
    fixture_commit(f);
}

/* Damage to a task, behind the rules' back, in a batch that is thrown away: its name is in the
 * sentence. */
static inline void check_task_damage(struct fixture *f, struct tb_id id, damage_task *damage,
                                     const char *what, int line)
{
    struct tb_task old;
    fixture_begin(f);
    assert_int_equal(tb_get_task(f->txn, id, &old), TB_OK);
    struct tb_task task = old;
    damage(&task);
    tb_task_render(&task, f->batch_arena);
    assert_int_equal(tb_put_task(f->txn, &old, &task), TB_OK);
    check_damage(f, tb_arena_printf(f->arena, "task %s: %s", fixture_id(f, id), what).ptr, line);
    fixture_abort(f);
}

#define assert_task_damage(f, id, damage, what)                                                    \
    check_task_damage((f), (id), (damage), (what), __LINE__)

#endif
