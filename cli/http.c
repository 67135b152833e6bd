#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"

#define CONNECT_TIMEOUT_MS 5000L
#define SILENCE_SECONDS    45L /* streams are never quiet for longer than 15 */
#define ANSWER_BYTES_MAX   ((size_t)512 * 1024 * 1024)
#define KEEP_ALIVE_SECONDS 15L
#define BACKOFF_FIRST_MS   200
#define RETRY_AFTER_MAX    60
#define DOUBLINGS_MAX      10
#define TOO_MANY_REQUESTS  429
#define FIRST_SERVER_ERROR 500
#define OK_FIRST           200
#define OK_LAST            299

struct cli_exchange {
    const struct cli_settings *settings;
    CURL *curl;
    struct curl_slist *headers;
    struct tb_arena *arena;
    struct tb_buf body;
    struct cli_answer answer;
    cli_piece_fn *piece;
    void *piece_ctx;
};

bool cli_http_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void cli_http_fini(void)
{
    curl_global_cleanup();
}

struct cli_exchange *cli_exchange_new(const struct cli_settings *settings)
{
    struct cli_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        abort();
    }
    exchange->settings = settings;
    exchange->arena = tb_arena_new(0);
    exchange->curl = curl_easy_init();
    if (exchange->curl == NULL) {
        abort();
    }
    return exchange;
}

void cli_exchange_free(struct cli_exchange *exchange)
{
    if (exchange != NULL) {
        curl_easy_cleanup(exchange->curl);
        curl_slist_free_all(exchange->headers);
        tb_arena_free(exchange->arena);
        free(exchange);
    }
}

static void add_header(struct cli_exchange *exchange, const char *name, const char *value)
{
    struct tb_str line = tb_arena_printf(exchange->arena, "%s%s", name, value);
    struct curl_slist *longer = curl_slist_append(exchange->headers, line.ptr);
    if (longer == NULL) {
        abort();
    }
    exchange->headers = longer;
}

static void set_headers(struct cli_exchange *exchange, const struct cli_request *request)
{
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    add_header(exchange, "Content-Type: ", "application/json");
    add_header(exchange, "Expect:", ""); /* no question before the body */
    if (exchange->settings->token != NULL) {
        add_header(exchange, "Authorization: Bearer ", exchange->settings->token);
    }
    if (request->key != NULL) {
        add_header(exchange, "Idempotency-Key: ", request->key);
    }
    if (request->header != NULL) {
        add_header(exchange, "", request->header);
    }
    curl_easy_setopt(exchange->curl, CURLOPT_HTTPHEADER, exchange->headers);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct cli_exchange *exchange = ctx;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->piece != NULL && status >= OK_FIRST && status <= OK_LAST) {
        return exchange->piece(exchange->piece_ctx, bytes, len) ? len : 0;
    }
    if (exchange->body.len + len > ANSWER_BYTES_MAX) {
        return 0;
    }
    tb_buf_add(&exchange->body, bytes, len);
    return len;
}

static struct tb_str trim(struct tb_str s)
{
    while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ') {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ') {
        s.len--;
    }
    return s;
}

static bool is_header(struct tb_str line, const char *name, struct tb_str *value)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.ptr, name, len) != 0 || line.ptr[len] != ':') {
        return false;
    }
    *value = trim(tb_str_from(line.ptr + len + 1, line.len - len - 1));
    return true;
}

/* Whatever parameters stand behind it: a proxy may add a charset. */
static bool is_type(struct tb_str value, const char *type)
{
    const char *end = memchr(value.ptr, ';', value.len);
    size_t len = end == NULL ? value.len : (size_t)(end - value.ptr);
    struct tb_str bare = trim(tb_str_from(value.ptr, len));
    return bare.len == strlen(type) && strncasecmp(bare.ptr, type, bare.len) == 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct cli_answer *answer = &((struct cli_exchange *)ctx)->answer;
    struct tb_str line = tb_str_from(bytes, size * count);
    struct tb_str value;
    int64_t seconds;
    if (is_header(line, "X-Request-Id", &value)) {
        (void)snprintf(answer->request_id, sizeof(answer->request_id), "%.*s", (int)value.len,
                       value.ptr);
    } else if (is_header(line, "Content-Type", &value)) {
        answer->is_json = memmem(value.ptr, value.len, "json", 4) != NULL;
        answer->is_bytes = is_type(value, "application/octet-stream");
        answer->is_stream = is_type(value, "text/event-stream");
    } else if (is_header(line, "Retry-After", &value) && tb_str_to_i64(value, &seconds) &&
               seconds > 0) {
        answer->retry_after_seconds = seconds < RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX;
    }
    return line.len;
}

static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* What is the same for every request. */
static void set_common(struct cli_exchange *exchange)
{
    CURL *curl = exchange->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, KEEP_ALIVE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "taskboard/" TB_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    if (exchange->settings->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, exchange->settings->ca_file);
    }
    if (is_loopback(exchange->settings->url)) {
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
}

static void set_body(struct cli_exchange *exchange, const struct cli_request *request)
{
    CURL *curl = exchange->curl;
    bool has_body = request->body.ptr != NULL;
    if (has_body || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, has_body ? request->body.ptr : "");
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

CURL *cli_exchange_begin(struct cli_exchange *exchange, const struct cli_request *request)
{
    CURL *curl = exchange->curl;
    curl_easy_reset(curl); /* connections stay */
    tb_arena_reset(exchange->arena);
    tb_buf_init(&exchange->body, exchange->arena, 1024);
    exchange->answer = (struct cli_answer){.transport = CURLE_OK};
    exchange->piece = NULL;
    set_common(exchange);
    curl_easy_setopt(
        curl, CURLOPT_URL,
        tb_arena_printf(exchange->arena, "%s%s", exchange->settings->url, request->path).ptr);
    set_body(exchange, request);
    set_headers(exchange, request);
    if (request->timeout_seconds > 0) {
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_seconds * 1000L);
    } else {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
    }
    return curl;
}

void cli_exchange_divert(struct cli_exchange *exchange, cli_piece_fn *piece, void *ctx)
{
    exchange->piece = piece;
    exchange->piece_ctx = ctx;
}

const struct cli_answer *cli_exchange_end(struct cli_exchange *exchange, CURLcode transport)
{
    struct cli_answer *answer = &exchange->answer;
    answer->transport = transport;
    answer->body = tb_buf_str(&exchange->body);
    if (transport == CURLE_OK) {
        curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    }
    return answer;
}

/* --- trying again --- */

bool cli_answer_may_change(const struct cli_answer *answer)
{
    return answer->transport != CURLE_OK || answer->status == TOO_MANY_REQUESTS ||
           answer->status >= FIRST_SERVER_ERROR;
}

static void random_bytes(void *out, size_t len)
{
    if (getrandom(out, len, 0) != (ssize_t)len) {
        abort(); /* never of so few bytes, once the machine has booted */
    }
}

void cli_key_make(char key[CLI_KEY_LEN + 1])
{
    unsigned char bytes[CLI_KEY_LEN / 2];
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    }
}

int64_t cli_backoff_ms(unsigned attempt, int64_t max_ms, const struct cli_answer *answer)
{
    unsigned doublings = attempt - 1 < DOUBLINGS_MAX ? attempt - 1 : DOUBLINGS_MAX;
    int64_t whole = (int64_t)BACKOFF_FIRST_MS << doublings;
    whole = whole < max_ms ? whole : max_ms;
    uint32_t dice;
    random_bytes(&dice, sizeof(dice));
    int64_t wait = whole - (int64_t)(dice % (uint32_t)(whole / 2 + 1));
    int64_t asked = answer->retry_after_seconds * 1000;
    return wait > asked ? wait : asked;
}

int64_t cli_now_ms(void)
{
    return tb_clock_monotonic_us(tb_clock_system()) / 1000;
}
