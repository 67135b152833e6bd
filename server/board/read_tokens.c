#include "board/read.h"

struct tokens {
    struct tb_buf *out;
    int64_t now_ms;
    uint64_t count;
};

static enum tb_visit add(void *ctx, const struct tb_credential *credential)
{
    struct tokens *tokens = ctx;
    if (credential->kind == TB_CREDENTIAL_TOKEN &&
        !tb_credential_is_over(credential, tokens->now_ms)) {
        tb_buf_add_c(tokens->out, tokens->count++ > 0 ? "," : "");
        tb_buf_add_str(tokens->out, credential->wire);
    }
    return TB_VISIT_NEXT;
}

enum tb_err tb_read_tokens(struct tb_txn *txn, int64_t now_ms, struct tb_buf *out)
{
    struct tokens tokens = {.out = out, .now_ms = now_ms};
    TB_BUF_LIT(out, "{\"tokens\":[");
    enum tb_err err = tb_visit_credentials(txn, add, &tokens);
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, tokens.count);
    TB_BUF_LIT(out, "}");
    return err;
}
