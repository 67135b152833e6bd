#include "work_call.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"

#define BACKOFF_MAX_MS 5000

void work_calls_init(struct work_calls *calls, const struct cli_settings *settings)
{
    *calls = (struct work_calls){.settings = settings, .multi = curl_multi_init()};
    if (calls->multi == NULL) {
        abort();
    }
}

void work_calls_fini(struct work_calls *calls)
{
    curl_multi_cleanup(calls->multi);
}

struct work_call *work_call_new(struct work_calls *calls, work_answer_fn *on_answer, void *ctx)
{
    struct work_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        abort();
    }
    call->calls = calls;
    call->exchange = cli_exchange_new(calls->settings);
    call->arena = tb_arena_new(0);
    call->on_answer = on_answer;
    call->ctx = ctx;
    for (size_t i = 0; i < WORK_SOCKETS_MAX; i++) {
        call->sockets[i] = CURL_SOCKET_BAD;
    }
    return call;
}

void work_call_free(struct work_call *call)
{
    if (call != NULL) {
        work_call_abort(call);
        cli_exchange_free(call->exchange);
        tb_arena_free(call->arena);
        free(call);
    }
}

static const char *copy(struct tb_arena *arena, const char *text)
{
    return text == NULL ? NULL : tb_arena_printf(arena, "%s", text).ptr;
}

void work_call_send(struct work_call *call, const struct cli_request *request, bool keyed)
{
    tb_arena_reset(call->arena);
    cli_key_make(call->key);
    call->request = (struct cli_request){
        .method = request->method,
        .path = copy(call->arena, request->path),
        .body = tb_arena_dup(call->arena, request->body),
        .key = keyed ? call->key : NULL,
        .timeout_seconds = request->timeout_seconds,
    };
    call->attempt = 0;
    call->next_ms = 0;
    call->may_have_arrived = false;
    call->active = true;
    call->next = call->calls->active;
    call->calls->active = call;
}

static void land(struct work_call *call)
{
    if (call->in_flight != NULL) {
        (void)curl_multi_remove_handle(call->calls->multi, call->in_flight);
        call->in_flight = NULL;
    }
}

void work_call_abort(struct work_call *call)
{
    land(call);
    for (struct work_call **at = &call->calls->active; *at != NULL; at = &(*at)->next) {
        if (*at == call) {
            *at = call->next;
            break;
        }
    }
    call->active = false;
}

void work_call_half_close(struct work_call *call)
{
    for (size_t i = 0; i < WORK_SOCKETS_MAX && call->in_flight != NULL; i++) {
        if (call->sockets[i] != CURL_SOCKET_BAD) {
            (void)shutdown(call->sockets[i], SHUT_WR);
        }
    }
}

/* While a transfer runs libcurl does not tell its socket: it is noted when it is opened. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct work_call *call = ctx;
    (void)purpose;
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    for (size_t i = 0; i < WORK_SOCKETS_MAX && fd != CURL_SOCKET_BAD; i++) {
        if (call->sockets[i] == CURL_SOCKET_BAD) {
            call->sockets[i] = fd;
            break;
        }
    }
    return fd;
}

static int on_close(void *ctx, curl_socket_t fd)
{
    struct work_call *call = ctx;
    for (size_t i = 0; i < WORK_SOCKETS_MAX; i++) {
        if (call->sockets[i] == fd) {
            call->sockets[i] = CURL_SOCKET_BAD;
        }
    }
    return close(fd);
}

/* A connection for this request alone. */
static void keep_apart(struct work_call *call)
{
    CURL *curl = call->in_flight;
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, call);
}

static void fly(struct work_call *call)
{
    call->attempt++;
    call->in_flight = cli_exchange_begin(call->exchange, &call->request);
    curl_easy_setopt(call->in_flight, CURLOPT_PRIVATE, call);
    if (call->fresh) {
        keep_apart(call);
    }
    if (curl_multi_add_handle(call->calls->multi, call->in_flight) != CURLM_OK) {
        abort();
    }
}

/* Once for each time that the board falls silent, and once when it is back. */
static void tell_silence(struct work_calls *calls, const struct cli_answer *answer, int64_t now_ms)
{
    bool silent = cli_answer_may_change(answer);
    if (silent && calls->silent_since_ms == 0) {
        struct tb_arena *arena = tb_arena_new(0);
        cli_complain("the board does not answer, it is tried again: %s",
                     cli_error_text(arena, answer));
        tb_arena_free(arena);
    } else if (!silent && calls->silent_since_ms != 0) {
        cli_complain("the board answers again");
    }
    calls->silent_since_ms = !silent                       ? 0
                             : calls->silent_since_ms != 0 ? calls->silent_since_ms
                                                           : now_ms;
}

static void on_end(struct work_call *call, CURLcode transport, int64_t now_ms)
{
    const struct cli_answer *answer = cli_exchange_end(call->exchange, transport);
    land(call);
    if (transport != CURLE_OPERATION_TIMEDOUT || !call->once) {
        tell_silence(call->calls, answer, now_ms);
    }
    if (transport != CURLE_OK && transport != CURLE_COULDNT_CONNECT &&
        transport != CURLE_COULDNT_RESOLVE_HOST) {
        call->may_have_arrived = true;
    }
    if (!call->once && cli_answer_may_change(answer)) {
        call->next_ms = now_ms + cli_backoff_ms(call->attempt, BACKOFF_MAX_MS, answer);
        return;
    }
    work_call_abort(call);
    call->on_answer(call->ctx, answer);
}

/* A call that is answered may begin others: so the list is begun anew after each. */
static struct work_call *find_due(struct work_calls *calls, int64_t now_ms)
{
    for (struct work_call *call = calls->active; call != NULL; call = call->next) {
        if (call->in_flight == NULL && call->next_ms <= now_ms) {
            return call;
        }
    }
    return NULL;
}

void work_calls_step(struct work_calls *calls, int64_t now_ms)
{
    struct work_call *due;
    CURLMsg *message;
    int left;
    while ((due = find_due(calls, now_ms)) != NULL) {
        fly(due);
    }
    (void)curl_multi_perform(calls->multi, &left);
    while ((message = curl_multi_info_read(calls->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct work_call *call = NULL;
            CURLcode transport = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
            on_end(call, transport, now_ms);
        }
    }
}

int64_t work_calls_next_ms(const struct work_calls *calls)
{
    int64_t next = 0;
    for (const struct work_call *call = calls->active; call != NULL; call = call->next) {
        if (call->in_flight == NULL) {
            int64_t due = call->next_ms > 0 ? call->next_ms : 1;
            next = next == 0 || due < next ? due : next;
        }
    }
    return next;
}
