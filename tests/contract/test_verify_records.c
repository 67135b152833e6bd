/* Damaged records, and records that do not belong together. */
#include "scene.h"

static void damage_task(const struct scene *scene)
{
    change_nth(scene, TB_DB_TASK, 0, flip_last);
}

static void damage_note(const struct scene *scene)
{
    change_nth(scene, TB_DB_NOTE, 0, flip_last);
}

static void damage_artifact(const struct scene *scene)
{
    change_nth(scene, TB_DB_ARTIFACT, 0, flip_last);
}

static void damage_attempt(const struct scene *scene)
{
    change_nth(scene, TB_DB_ATTEMPT, 0, flip_last);
}

static void damage_vm(const struct scene *scene)
{
    change_nth(scene, TB_DB_VM, 0, flip_last);
}

static void damage_seen(const struct scene *scene)
{
    change_nth(scene, TB_DB_VM_SEEN, 0, flip_last);
}

static void damage_credential(const struct scene *scene)
{
    change_nth(scene, TB_DB_CREDENTIAL, 0, flip_last);
}

static void damage_meta(const struct scene *scene, const char *name)
{
    MDB_txn *mdb = raw_begin(scene);
    MDB_val key = tb_mdb_val(name, strlen(name));
    MDB_val value;
    uint8_t bytes[8192];
    assert_int_equal(mdb_get(mdb, store_of(scene)->dbis[TB_DB_META], &key, &value), 0);
    assert_true(value.mv_size <= sizeof bytes);
    memcpy(bytes, value.mv_data, value.mv_size);
    value.mv_data = bytes;
    flip_last(bytes, value.mv_size);
    assert_int_equal(mdb_put(mdb, store_of(scene)->dbis[TB_DB_META], &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

static void damage_head(const struct scene *scene)
{
    damage_meta(scene, "head");
}

static void damage_pauses(const struct scene *scene)
{
    damage_meta(scene, "pauses");
}

static void damage_manifest(const struct scene *scene)
{
    damage_meta(scene, "runs");
}

static void lose_head(const struct scene *scene)
{
    raw_delete(scene, TB_DB_META, tb_mdb_val("head", 4));
}

static void leave_stranger(const struct scene *scene)
{
    raw_put(scene, TB_DB_META, tb_mdb_val("stranger", 8), tb_mdb_val("x", 1));
}

static void copy_task(const struct scene *scene)
{
    copy_nth(scene, TB_DB_TASK, 0);
}

static void copy_note(const struct scene *scene)
{
    copy_nth(scene, TB_DB_NOTE, 0);
}

static void copy_artifact(const struct scene *scene)
{
    copy_nth(scene, TB_DB_ARTIFACT, 0);
}

static void copy_attempt(const struct scene *scene)
{
    copy_nth(scene, TB_DB_ATTEMPT, 0);
}

static void renumber_attempt(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_ATTEMPT, 0);
    raw.key[raw.key_size - 1] = 7;
    raw_put(scene, TB_DB_ATTEMPT, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void copy_vm(const struct scene *scene)
{
    copy_nth(scene, TB_DB_VM, 0);
}

static void copy_credential(const struct scene *scene)
{
    copy_nth(scene, TB_DB_CREDENTIAL, 0);
}

static void lose_vm(const struct scene *scene)
{
    delete_nth(scene, TB_DB_VM, 0);
}

static void lose_seen(const struct scene *scene)
{
    delete_nth(scene, TB_DB_VM_SEEN, 0);
}

static void lose_task(const struct scene *scene)
{
    raw_delete(scene, TB_DB_TASK, tb_mdb_val(scene->task.bytes, sizeof scene->task));
}

static void put_short_keys(const struct scene *scene)
{
    static const enum tb_lmdb_db dbs[] = {
        TB_DB_TASK,  TB_DB_NOTE,   TB_DB_ARTIFACT, TB_DB_ATTEMPT, TB_DB_VM,        TB_DB_VM_SEEN,
        TB_DB_EVENT, TB_DB_ANSWER, TB_DB_INDEX,    TB_DB_RUN,     TB_DB_CREDENTIAL};
    for (size_t i = 0; i < sizeof dbs / sizeof *dbs; i++) {
        raw_put(scene, dbs[i], tb_mdb_val("abc", 3), tb_mdb_val("", 0));
    }
}

static const struct damage damages[] = {
    {damage_task, "task TASK: its record is damaged", 0},
    {damage_task, TOO_MANY "TAG \"deploy\" TASK", 0},
    {damage_note, "task TASK: the record of its note is damaged", 1},
    {damage_artifact, "task TASK: the record of its artifact is damaged", 1},
    {damage_attempt, "task TASK: the record of its attempt 1 is damaged", 1},
    {damage_vm, "VM number VM: its record is damaged", 3},
    {damage_seen, "VM number VM: its sign of life is damaged", 1},
    {damage_credential, "credential CREDENTIAL: its record is damaged", 1},
    {damage_head, "the head is damaged", 1},
    {damage_pauses, "the record of what is paused is damaged", 1},
    {damage_manifest, "the manifest of the runs is damaged: no list can be read", 1},
    {lose_head, "there is no head", 1},
    {leave_stranger, "the main database has an entry that nobody knows: stranger", 1},
    {copy_task, ": the record is that of task TASK", 1},
    {copy_note, ": it does not exist, but a record of its note does", 1},
    {copy_artifact, ": it does not exist, but a record of its artifact does", 1},
    {copy_attempt, ": it does not exist, but a record of its attempt does", 1},
    {renumber_attempt, "task TASK: its attempt 7 says that it is 1", 1},
    {copy_vm, ": the record is that of another one", 2},
    {copy_vm, ": it has no sign of life", 2},
    {copy_credential, ": its record is damaged", 1},
    {lose_vm, "VM number VM: it gave a sign of life and does not exist", 3},
    {lose_vm, TOO_MANY "DUE_VM 1760000001001 ", 3},
    {lose_seen, "VM number VM: it has no sign of life", 1},
    {lose_task, "task TASK: it does not exist, but a record of its note does", 0},
    {lose_task, TOO_MANY "UNIQUE \"the only one\" TASK", 0},
    {lose_task, TOO_MANY "DEPENDENT \"DEPENDENCY\" TASK", 0},
    {lose_task, TOO_MANY "NAME tag \"deploy\" 1 1", 0},
    {put_short_keys, "the task database has a key of 3 bytes", 0},
    {put_short_keys, "the note database has a key of 3 bytes", 0},
    {put_short_keys, "the artifact database has a key of 3 bytes", 0},
    {put_short_keys, "the attempt database has a key of 3 bytes", 0},
    {put_short_keys, "the vm database has a key of 3 bytes", 0},
    {put_short_keys, "the vm_seen database has a key of 3 bytes", 0},
    {put_short_keys, "the credential database has a key of 3 bytes", 0},
    {put_short_keys, "the event database has a key of 3 bytes", 0},
    {put_short_keys, "the answer database has a key of 3 bytes", 0},
    {put_short_keys, "the index database has an entry of no known form: unknown, 3 bytes", 0},
    {put_short_keys, "the run database has a key of 3 bytes", 0},
};

static void every_damage_is_found_and_named(void **state)
{
    (void)state;
    expect_all_found(damages, sizeof damages / sizeof *damages);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found_and_named),
    };
    return cmocka_run_group_tests_name("check of records", tests, NULL, NULL);
}
