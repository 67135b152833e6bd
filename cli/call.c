#include "call.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX      64 /* free JSON of 16 stands some levels deep in answers */
#define TREE_DEPTH     8
#define NODES_MAX      ((size_t)8 * 1024 * 1024)
#define BACKOFF_MAX_MS 1000
#define OK_FIRST       200
#define OK_LAST        299
#define UNAUTHORIZED   401
#define FORBIDDEN      403
#define NOT_FOUND      404

/* --- reading answers --- */

static const struct tb_json *parse(struct tb_arena *arena, struct tb_str text,
                                   struct tb_json_error *error)
{
    const struct tb_json_limits limits = {DEPTH_MAX, TREE_DEPTH, NODES_MAX};
    return tb_json_parse(arena, text, &limits, error);
}

const struct tb_json *cli_read_json(struct tb_arena *arena, struct tb_str body)
{
    struct tb_json_error error;
    const struct tb_json *json = parse(arena, body, &error);
    if (json == NULL) {
        cli_complain("the answer is not from a board: it is no JSON");
    }
    return json;
}

const char *cli_text(struct tb_arena *arena, const struct tb_json *object, const char *name)
{
    const struct tb_json *member = tb_json_member(object, name);
    if (member == NULL || member->type != TB_JSON_STRING) {
        return NULL;
    }
    struct tb_str bytes = tb_text_to_bytes(arena, tb_json_text(member));
    return tb_arena_printf(arena, "%.*s", (int)bytes.len, bytes.ptr).ptr;
}

int64_t cli_number(const struct tb_json *object, const char *name, int64_t otherwise)
{
    const struct tb_json *member = tb_json_member(object, name);
    int64_t number;
    return member != NULL && tb_json_to_i64(member, &number) ? number : otherwise;
}

bool cli_true(const struct tb_json *object, const char *name)
{
    const struct tb_json *member = tb_json_member(object, name);
    return member != NULL && member->type == TB_JSON_TRUE;
}

struct tb_str cli_raw(const struct tb_json *object, const char *name)
{
    const struct tb_json *member = tb_json_member(object, name);
    return member == NULL ? TB_STR_NONE : member->raw;
}

const struct tb_json *cli_items(const struct tb_json *object, const char *name)
{
    const struct tb_json *member = tb_json_member(object, name);
    return member != NULL && member->type == TB_JSON_ARRAY ? member->child : NULL;
}

const struct tb_json *cli_object(const struct tb_json *object, const char *name)
{
    const struct tb_json *member = tb_json_member(object, name);
    return member != NULL && member->type == TB_JSON_OBJECT ? member : NULL;
}

const char *cli_join(struct tb_arena *arena, const struct tb_json *object, const char *name,
                     const char *between)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 64);
    for (const struct tb_json *item = cli_items(object, name); item != NULL; item = item->next) {
        if (out.len > 0) {
            tb_buf_add_c(&out, between);
        }
        if (item->type == TB_JSON_STRING) {
            tb_buf_add_str(&out, tb_text_to_bytes(arena, tb_json_text(item)));
        }
    }
    tb_buf_add(&out, "", 1);
    return out.ptr;
}

void cli_print_json(struct tb_str body)
{
    (void)fwrite(body.ptr, 1, body.len, stdout);
    (void)putchar('\n');
}

/* --- refusals --- */

static const struct tb_json *error_of(struct tb_arena *arena, const struct cli_answer *answer)
{
    struct tb_json_error error;
    if (answer->transport != CURLE_OK || !answer->is_json) {
        return NULL;
    }
    const struct tb_json *json = parse(arena, answer->body, &error);
    return json != NULL && json->type == TB_JSON_OBJECT ? json : NULL;
}

struct tb_str cli_error_code(struct tb_arena *arena, const struct cli_answer *answer)
{
    const struct tb_json *error = error_of(arena, answer);
    return error == NULL ? TB_STR_NONE : tb_str_c(cli_text(arena, error, "code"));
}

const char *cli_error_text(struct tb_arena *arena, const struct cli_answer *answer)
{
    if (answer->transport != CURLE_OK) {
        return tb_arena_printf(arena, "no answer: %s", curl_easy_strerror(answer->transport)).ptr;
    }
    const struct tb_json *error = error_of(arena, answer);
    const char *sentence = error == NULL ? NULL : cli_text(arena, error, "error");
    const char *code = error == NULL ? NULL : cli_text(arena, error, "code");
    const char *text =
        tb_arena_printf(arena, "%s (%s%s%s)",
                        sentence == NULL ? "no sentence came with it" : sentence,
                        code == NULL ? "" : code, answer->request_id[0] == '\0' ? "" : ", request ",
                        answer->request_id)
            .ptr;
    if (code == NULL) {
        text = tb_arena_printf(arena, "the answer was %ld, and not a board's", answer->status).ptr;
    }
    return cli_clean(arena, tb_str_c(text), false);
}

enum cli_exit cli_exit_of(const struct cli_answer *answer, struct tb_str code)
{
    if (cli_answer_may_change(answer)) {
        return CLI_UNREACHABLE;
    }
    if (tb_str_eq_c(code, "claim_lost")) {
        return CLI_CLAIM_LOST;
    }
    switch (answer->status) {
    case UNAUTHORIZED:
    case FORBIDDEN:
        return CLI_FORBIDDEN;
    case NOT_FOUND: /* of a path that is none: the URL is wrong, and not that nothing is ready */
        return code.len == 0 || tb_str_eq_c(code, "not_found") ? CLI_REFUSED : CLI_NOTHING;
    default:
        return CLI_REFUSED;
    }
}

enum cli_exit cli_refused(const struct cli *cli, const struct cli_answer *answer)
{
    if (answer->transport != CURLE_OK) {
        cli_complain("cannot reach the board at %s: %s", cli->settings.url,
                     curl_easy_strerror(answer->transport));
        if (answer->transport == CURLE_PEER_FAILED_VERIFICATION) {
            cli_complain("name the file with the certificate to trust in --ca-file");
        }
        return CLI_UNREACHABLE;
    }
    if (cli->settings.json && answer->is_json) {
        (void)fprintf(stderr, "%.*s\n", (int)answer->body.len, answer->body.ptr);
    } else {
        cli_complain("%s", cli_error_text(cli->arena, answer));
        if (answer->status == UNAUTHORIZED && cli->settings.token == NULL) {
            cli_complain("name the file with your token in --token-file, or set TASKBOARD_TOKEN");
        }
    }
    return cli_exit_of(answer, cli_error_code(cli->arena, answer));
}

/* --- calling --- */

static bool may_repeat(const struct cli_request *request, const struct cli_answer *answer)
{
    bool arrived = answer->transport != CURLE_COULDNT_CONNECT &&
                   answer->transport != CURLE_COULDNT_RESOLVE_HOST;
    return !arrived || request->key != NULL || strcmp(request->method, "POST") != 0;
}

enum cli_exit cli_call_request(struct cli *cli, const struct cli_request *request,
                               struct tb_str *body)
{
    struct cli_exchange *exchange = cli_exchange_new(&cli->settings);
    int64_t until_ms = cli_now_ms() + cli->settings.retry_seconds * 1000;
    const struct cli_answer *answer;
    for (unsigned attempt = 1;; attempt++) {
        CURL *curl = cli_exchange_begin(exchange, request);
        answer = cli_exchange_end(exchange, curl_easy_perform(curl));
        int64_t wait_ms = cli_backoff_ms(attempt, BACKOFF_MAX_MS, answer);
        if (!cli_answer_may_change(answer) || !may_repeat(request, answer) ||
            cli_now_ms() + wait_ms > until_ms) {
            break;
        }
        (void)poll(NULL, 0, (int)wait_ms);
    }
    enum cli_exit result = CLI_OK;
    if (answer->transport == CURLE_OK && answer->status >= OK_FIRST && answer->status <= OK_LAST) {
        *body = tb_arena_dup(cli->arena, answer->body);
    } else {
        result = cli_refused(cli, answer);
    }
    cli_exchange_free(exchange);
    return result;
}

enum cli_exit cli_call(struct cli *cli, const char *method, const char *path, struct tb_str request,
                       struct tb_str *body)
{
    char key[CLI_KEY_LEN + 1];
    cli_key_make(key);
    bool is_keyed = strcmp(method, "POST") == 0 && strncmp(path, "/auth/", 6) != 0;
    return cli_call_request(cli,
                            &(struct cli_request){
                                .method = method,
                                .path = path,
                                .body = request,
                                .key = is_keyed ? key : NULL,
                                .timeout_seconds = cli->settings.timeout_seconds,
                            },
                            body);
}
