#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lmdb/lmdb.h"

static void what_lmdb_says_becomes_an_error_of_ours(void **state)
{
    (void)state;
    static const struct {
        int rc;
        enum tb_err err;
    } rows[] = {
        {MDB_SUCCESS, TB_OK},
        {MDB_NOTFOUND, TB_E_ABSENT},
        {MDB_MAP_FULL, TB_E_STORAGE_FULL},
        {MDB_TXN_FULL, TB_E_STORAGE_FULL},
        {ENOSPC, TB_E_STORAGE_FULL},
        {EDQUOT, TB_E_STORAGE_FULL},
        {EFBIG, TB_E_STORAGE_FULL},
        {MDB_CORRUPTED, TB_E_STORAGE_CORRUPT},
        {MDB_PAGE_NOTFOUND, TB_E_STORAGE_CORRUPT},
        {MDB_INVALID, TB_E_STORAGE_CORRUPT},
        {MDB_MAP_RESIZED, TB_E_STORAGE_CORRUPT},
        {MDB_CURSOR_FULL, TB_E_STORAGE_CORRUPT},
        {MDB_PAGE_FULL, TB_E_STORAGE_CORRUPT},
        {MDB_PANIC, TB_E_STORAGE_FAILED},
        {MDB_READERS_FULL, TB_E_STORAGE_DOWN},
        {EIO, TB_E_STORAGE_DOWN},
        {ENOMEM, TB_E_STORAGE_DOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(tb_lmdb_err(rows[i].rc), rows[i].err);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lmdb_says_becomes_an_error_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
