#include "twin.h"

#include <stdlib.h>

#define FILL "0123456789012345678901234567890123456789012345678901234567890123456789"

uint64_t choose(struct twin *twin, uint64_t bound)
{
    return pick(twin->memory, bound);
}

bool chance(struct twin *twin, unsigned percent)
{
    return choose(twin, 100) < percent;
}

static const char *const names[] = {
    "ann",
    "anna",
    "bob",
    "Ann",
    "a\\\"quote",
    "z\xc3\xbcrich",
    FILL FILL FILL "1",
    FILL FILL FILL "2",
    FILL FILL,
    "",
};
static const char *const words[] = {
    "alpha",
    "beta",
    "gamma",
    "delta",
    "Alpha",
    "alphabet",
    "42",
    "z\xc3\xbcrich",
    "caf\xc3\x89",
    "thisisaverylongwordthatislongerthansixtyfourbytesandthereforecutoffatthatlength",
};

struct tb_str some_name(struct twin *twin)
{
    return tb_str_c(ONE_OF(twin, names));
}

/* --- random tasks --- */

struct tb_str some_text(struct twin *twin, uint64_t word_count)
{
    struct tb_buf out;
    tb_buf_init(&out, twin->memory->arena, 256);
    for (uint64_t i = 0; i < word_count; i++) {
        tb_buf_add_c(&out, ONE_OF(twin, words));
        tb_buf_add_c(&out, chance(twin, 80) ? " " : "\\n-");
    }
    TB_BUF_LIT(&out, "x");
    return tb_buf_str(&out);
}

void remember_known(struct twin *twin, struct tb_id id)
{
    if (twin->known_count < KNOWN_MAX) {
        twin->known[twin->known_count++] = id;
    }
}

struct tb_id some_known(struct twin *twin)
{
    return twin->known_count == 0 ? new_id(twin->memory)
                                  : twin->known[choose(twin, twin->known_count)];
}

static struct tb_str some_array(struct twin *twin, bool of_ids)
{
    struct tb_buf out;
    tb_buf_init(&out, twin->memory->arena, 64);
    TB_BUF_LIT(&out, "[");
    for (uint64_t left = choose(twin, 5); left > 0; left--) {
        char ulid[TB_ULID_LEN];
        tb_ulid_format(some_known(twin), ulid);
        tb_buf_add_quoted(&out, of_ids && chance(twin, 70) ? tb_str_from(ulid, sizeof ulid)
                                                           : some_name(twin));
        if (left > 1) {
            TB_BUF_LIT(&out, ",");
        }
    }
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

static void change_state(struct twin *twin, struct tb_task *task)
{
    task->status = (enum tb_status)choose(twin, TB_STATUS_COUNT);
    task->ready = task->status == TB_STATUS_OPEN && chance(twin, 70);
    task->outcome = task->status == TB_STATUS_DONE ? TB_OUTCOME_SUCCESS : TB_OUTCOME_NONE;
    task->due_ms = chance(twin, 20) ? (int64_t)choose(twin, 50) : 0;
    task->ready_ms = task->ready ? 1 + (int64_t)choose(twin, 30) : 0;
}

static void change_claim(struct twin *twin, struct tb_task *task)
{
    bool claimed = task->status == TB_STATUS_IN_PROGRESS && task->assignee.ptr != NULL;
    task->claim = (struct tb_claim){.generation = 0};
    task->claims = (uint32_t)choose(twin, 5);
    task->progress_told_ms = (int64_t)choose(twin, 3);
    task->reserved_for = chance(twin, 30) ? some_name(twin) : TB_STR_NONE;
    if (claimed) {
        task->claim = (struct tb_claim){1 + choose(twin, 100), task->claims, 1, 2, 3};
        task->claim_vm = chance(twin, 50) ? some_name(twin) : TB_STR_NONE;
        task->cancel = chance(twin, 20) ? TB_STR("{\"by\":\"me\"}") : TB_STR_NONE;
        task->progress = chance(twin, 20) ? TB_STR("{\"percent\":5}") : TB_STR_NONE;
    }
}

static void change_texts(struct twin *twin, struct tb_task *task)
{
    task->title = some_text(twin, choose(twin, 6));
    task->description = TB_STR_NONE;
    if (chance(twin, 50)) {
        task->description = some_text(twin, choose(twin, chance(twin, 10) ? 600 : 20));
    }
}

static void change_names(struct twin *twin, struct tb_task *task)
{
    task->assignee = chance(twin, 60) ? some_name(twin) : TB_STR_NONE;
    task->unique_key = chance(twin, 30) ? some_name(twin) : TB_STR_NONE;
    task->tags = some_array(twin, false);
    task->dependencies = some_array(twin, true);
}

static void change_order(struct twin *twin, struct tb_task *task)
{
    task->updated_ms = 1000 + (int64_t)choose(twin, 40);
    task->rank_ms = (int64_t)choose(twin, 20) - 10;
    task->score++;
}

struct tb_task random_task(struct twin *twin)
{
    struct tb_task task = draft(twin->memory, "");
    if (chance(twin, 5)) { /* an older id, as an import brings them */
        twin->memory->random += 7;
        task.id.bytes[4] = (uint8_t)choose(twin, 256);
        task.id.bytes[9] = (uint8_t)choose(twin, 256);
    }
    task.created_by = some_name(twin);
    if (chance(twin, 20)) {
        task.parent_id = some_known(twin);
    }
    change_state(twin, &task);
    change_texts(twin, &task);
    change_names(twin, &task);
    change_order(twin, &task);
    change_claim(twin, &task);
    return task;
}

/* --- the same to both --- */

void begin_both(struct twin *twin)
{
    twin->m = begin(twin->memory);
    twin->l = begin(twin->lmdb);
    *tb_txn_head(twin->l) = *tb_txn_head(twin->m);
}

void snapshot_both(struct twin *twin)
{
    twin->m = snapshot(twin->memory);
    twin->l = snapshot(twin->lmdb);
}

void end_snapshot_both(struct twin *twin)
{
    tb_read_end(&twin->m);
    tb_read_end(&twin->l);
}

bool get_both(struct twin *twin, struct tb_id id, struct tb_task *m, struct tb_task *l)
{
    enum tb_err err = tb_get_task(twin->m, id, m);
    assert_int_equal(tb_get_task(twin->l, id, l), err);
    if (err == TB_OK) {
        assert_same_task(m, l);
    }
    return err == TB_OK;
}

void put_both(struct twin *twin, const struct tb_task *m, const struct tb_task *l,
              struct tb_task *task)
{
    tb_task_render(task, twin->memory->arena);
    assert_int_equal(tb_put_task(twin->m, m, task), TB_OK);
    assert_int_equal(tb_put_task(twin->l, l, task), TB_OK);
}

static void log_both(struct twin *twin, enum tb_event_type type, const struct tb_task *task)
{
    struct tb_event event = {
        .seq = tb_txn_head(twin->m)->seq + 1,
        .id = new_id(twin->memory),
        .at_ms = twin->memory->now_ms,
        .type = type,
        .task_id = task->id,
        .actor = task->assignee,
    };
    tb_event_render(&event, chance(twin, 90) ? task : NULL, TB_STR_NONE, twin->memory->arena);
    assert_int_equal(tb_append_event(twin->m, &event), TB_OK);
    assert_int_equal(tb_append_event(twin->l, &event), TB_OK);
    tb_txn_head(twin->m)->seq++;
    tb_txn_head(twin->l)->seq++;
}

void create_both(struct twin *twin)
{
    struct tb_task task = random_task(twin);
    struct tb_task m;
    struct tb_task l;
    if (get_both(twin, task.id, &m, &l) || twin->known_count == KNOWN_MAX) {
        return;
    }
    tb_task_render(&task, twin->memory->arena);
    assert_int_equal(tb_put_task(twin->m, NULL, &task), TB_OK);
    assert_int_equal(tb_put_task(twin->l, NULL, &task), TB_OK);
    remember_known(twin, task.id);
    log_both(twin, TB_EVENT_CREATED, &task);
}

void change_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    struct tb_task task = m;
    task.version++;
    void (*const changes[])(struct twin *, struct tb_task *) = {
        change_state, change_texts, change_names, change_order, change_claim};
    for (uint64_t left = 1 + choose(twin, 3); left > 0; left--) {
        ONE_OF(twin, changes)(twin, &task);
    }
    put_both(twin, &m, &l, &task);
    log_both(twin, TB_EVENT_UPDATED, &task);
}

static void attach_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    struct tb_task task = m;
    struct tb_str wire = some_text(twin, choose(twin, 400));
    if (chance(twin, 50)) {
        struct tb_id id = new_id(twin->memory);
        assert_int_equal(tb_put_note(twin->m, task.id, id, wire), TB_OK);
        assert_int_equal(tb_put_note(twin->l, task.id, id, wire), TB_OK);
        task.note_count++;
    } else {
        assert_int_equal(tb_put_artifact(twin->m, task.id, task.artifact_count, wire), TB_OK);
        assert_int_equal(tb_put_artifact(twin->l, task.id, task.artifact_count, wire), TB_OK);
        task.artifact_count++;
    }
    put_both(twin, &m, &l, &task);
}

static void delete_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    assert_int_equal(tb_delete_task(twin->m, &m), TB_OK);
    assert_int_equal(tb_delete_task(twin->l, &l), TB_OK);
    log_both(twin, TB_EVENT_DELETED, &m);
}

void change_something(struct twin *twin, unsigned create_percent)
{
    uint64_t roll = choose(twin, 100);
    if (roll < create_percent) {
        create_both(twin);
    } else if (roll < create_percent + 10) {
        delete_both(twin);
    } else if (roll < create_percent + 25) {
        attach_both(twin);
    } else {
        change_both(twin);
    }
}

/* --- life cycle --- */

struct twin *twin_open(uint64_t seed)
{
    struct twin *twin = calloc(1, sizeof *twin);
    assert_non_null(twin);
    twin->memory = world_open(ENGINE_MEMORY, seed);
    twin->lmdb = world_open(ENGINE_LMDB, seed);
    return twin;
}

void twin_close(struct twin *twin)
{
    world_close(twin->memory);
    world_close(twin->lmdb);
    free(twin);
}

void end_both(struct twin *twin)
{
    if (chance(twin, 20)) {
        tb_write_abort(&twin->m);
        tb_write_abort(&twin->l);
    } else {
        commit(&twin->m);
        commit(&twin->l);
    }
}
