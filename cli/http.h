/* One request of libcurl's, and its answer. Only the files named http*.c and the loops of `work`
 * and `watch` know libcurl.
 *
 *   begin → curl_easy_perform, or curl_multi → end → answer      (again, with the same key)
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <curl/curl.h>

#include "base/buf.h"
#include "settings.h"

#define CLI_KEY_LEN              32
#define CLI_REQUEST_ID_BYTES_MAX 128

struct cli_request {
    const char *method;
    const char *path;        /* with its query */
    struct tb_str body;      /* JSON; absent: none */
    const char *key;         /* of idempotency; NULL: none */
    const char *header;      /* one more, "Name: value"; NULL: none */
    int64_t timeout_seconds; /* 0: without limit, but for silence */
};

struct cli_answer {
    CURLcode transport; /* CURLE_OK: there was an answer */
    long status;
    struct tb_str body; /* in the exchange's arena */
    char request_id[CLI_REQUEST_ID_BYTES_MAX + 1];
    bool is_json;
    bool is_bytes;               /* application/octet-stream */
    bool is_stream;              /* text/event-stream */
    int64_t retry_after_seconds; /* 0: the server did not say */
};

struct cli_exchange;

/* Takes what comes, piece by piece, instead of the answer's body. Only a 2xx has pieces. False ends
 * the transfer. */
typedef bool cli_piece_fn(void *ctx, const char *bytes, size_t len);

/* Must come before anything else here; false: libcurl cannot be set up. */
bool cli_http_init(void);
void cli_http_fini(void);

struct cli_exchange *cli_exchange_new(const struct cli_settings *settings);
void cli_exchange_free(struct cli_exchange *exchange);

/* Makes the handle ready for `request`, which is copied. The answer of the time before is gone. */
CURL *cli_exchange_begin(struct cli_exchange *exchange, const struct cli_request *request);

/* From now on, and until the next begin, pieces go there. */
void cli_exchange_divert(struct cli_exchange *exchange, cli_piece_fn *piece, void *ctx);

/* The answer of a transfer that has ended so. Its texts live until the next begin. */
const struct cli_answer *cli_exchange_end(struct cli_exchange *exchange, CURLcode transport);

/* True when the same request may well be answered later: nothing arrived, or the server said so. */
bool cli_answer_may_change(const struct cli_answer *answer);

/* A new idempotency key: CLI_KEY_LEN characters and a NUL. */
void cli_key_make(char key[CLI_KEY_LEN + 1]);

/* How long to wait before the try with that number (from 1 on): doubling, at most `max_ms`, a
 * random half of it left out, and no less than the server asked for. */
int64_t cli_backoff_ms(unsigned attempt, int64_t max_ms, const struct cli_answer *answer);

int64_t cli_now_ms(void); /* monotonic */

#endif
