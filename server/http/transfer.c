#include "http/transfer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PIECE_BYTES ((size_t)256 * 1024)
#define PIECES      2

struct tb_transfer {
    struct tb_transfer_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t room;
    /* under the lock */
    unsigned full;  /* pieces that wait for the loop, or that it has taken */
    bool wanted;    /* the loop has found nothing */
    bool cancelled; /* nobody takes anything any more */
    bool over;      /* fill() has returned */
    enum tb_err err;
    /* owned by the loop */
    unsigned first; /* of the full ones */
    bool taken;     /* it is with the loop */
    /* owned by the thread */
    unsigned filling; /* the piece that is being filled */
    size_t len;       /* of it */
    /* each owned by who has it */
    size_t lens[PIECES];
    char pieces[PIECES][PIECE_BYTES];
};

/* Hands the piece over and waits until there is another one to fill. */
static bool hand_over(struct tb_transfer *transfer)
{
    transfer->lens[transfer->filling] = transfer->len;
    transfer->filling = (transfer->filling + 1) % PIECES;
    transfer->len = 0;
    pthread_mutex_lock(&transfer->lock);
    transfer->full++;
    bool tell = transfer->wanted && !transfer->cancelled;
    transfer->wanted = false;
    pthread_mutex_unlock(&transfer->lock);
    if (tell) {
        transfer->options.notify(transfer->options.notify_ctx);
    }
    pthread_mutex_lock(&transfer->lock);
    while (transfer->full == PIECES && !transfer->cancelled) {
        pthread_cond_wait(&transfer->room, &transfer->lock);
    }
    bool go_on = !transfer->cancelled;
    pthread_mutex_unlock(&transfer->lock);
    return go_on;
}

bool tb_transfer_write(void *arg, const void *bytes, size_t len)
{
    struct tb_transfer *transfer = arg;
    const char *from = bytes;
    while (len > 0) {
        size_t room = PIECE_BYTES - transfer->len;
        size_t some = len < room ? len : room;
        memcpy(transfer->pieces[transfer->filling] + transfer->len, from, some);
        transfer->len += some;
        from += some;
        len -= some;
        if (transfer->len == PIECE_BYTES && !hand_over(transfer)) {
            return false;
        }
    }
    return true;
}

static void *run(void *arg)
{
    struct tb_transfer *transfer = arg;
    enum tb_err err = transfer->options.fill(transfer, transfer->options.ctx);
    if (err == TB_OK && transfer->len > 0) {
        (void)hand_over(transfer);
    }
    pthread_mutex_lock(&transfer->lock);
    transfer->err = err;
    transfer->over = true;
    pthread_mutex_unlock(&transfer->lock);
    transfer->options.notify(transfer->options.notify_ctx);
    return NULL;
}

struct tb_transfer *tb_transfer_start(const struct tb_transfer_options *options)
{
    struct tb_transfer *transfer = malloc(sizeof(*transfer));
    if (transfer == NULL) {
        tb_out_of_memory();
    }
    memset(transfer, 0, offsetof(struct tb_transfer, pieces));
    transfer->options = *options;
    transfer->wanted = true;
    (void)pthread_mutex_init(&transfer->lock, NULL);
    (void)pthread_cond_init(&transfer->room, NULL);
    if (pthread_create(&transfer->thread, NULL, run, transfer) != 0) {
        (void)pthread_cond_destroy(&transfer->room);
        (void)pthread_mutex_destroy(&transfer->lock);
        free(transfer);
        return NULL;
    }
    return transfer;
}

static void give_back(struct tb_transfer *transfer)
{
    if (transfer->taken) {
        transfer->taken = false;
        transfer->first = (transfer->first + 1) % PIECES;
        transfer->full--;
        pthread_cond_signal(&transfer->room);
    }
}

enum tb_taken tb_transfer_take(struct tb_transfer *transfer, struct tb_str *piece, enum tb_err *err)
{
    pthread_mutex_lock(&transfer->lock);
    give_back(transfer);
    enum tb_taken what = TB_TAKEN_NOTHING;
    if (transfer->full > 0 && transfer->err == TB_OK) {
        what = TB_TAKEN_PIECE;
        *piece = tb_str_from(transfer->pieces[transfer->first], transfer->lens[transfer->first]);
        transfer->taken = true;
    } else if (transfer->over) {
        what = transfer->err == TB_OK ? TB_TAKEN_END : TB_TAKEN_ERROR;
        *err = transfer->err;
    }
    transfer->wanted = what == TB_TAKEN_NOTHING;
    pthread_mutex_unlock(&transfer->lock);
    return what;
}

void tb_transfer_cancel(struct tb_transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->cancelled = true;
    pthread_cond_signal(&transfer->room);
    pthread_mutex_unlock(&transfer->lock);
}

bool tb_transfer_is_over(struct tb_transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool over = transfer->over;
    pthread_mutex_unlock(&transfer->lock);
    return over;
}

void tb_transfer_free(struct tb_transfer **out)
{
    struct tb_transfer *transfer = *out;
    *out = NULL;
    assert(transfer->over);
    (void)pthread_join(transfer->thread, NULL);
    (void)pthread_cond_destroy(&transfer->room);
    (void)pthread_mutex_destroy(&transfer->lock);
    free(transfer);
}
