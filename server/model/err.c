#include "taskboard/err.h"

#include <assert.h>

struct row {
    const char *code;
    int status;
    const char *text;
};

#define ROW(name, code, status, text) [name] = {code, status, text},
static const struct row rows[TB_ERR_COUNT] = {[TB_OK] = {"ok", 200, "OK"}, TB_ERR_TABLE(ROW)};
#undef ROW

const char *tb_err_code(enum tb_err err)
{
    assert(err < TB_ERR_COUNT);
    return rows[err].code;
}

int tb_err_status(enum tb_err err)
{
    assert(err < TB_ERR_COUNT);
    return rows[err].status;
}

const char *tb_err_text(enum tb_err err)
{
    assert(err < TB_ERR_COUNT);
    return rows[err].text;
}
