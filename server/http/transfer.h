/* An answer that a thread of its own makes: for what must come from one snapshot and is too much to
 * make at once, or at an event loop's pace.
 *
 *   thread   fill() ── tb_transfer_write() ──► two pieces ──► tb_transfer_take()   loop
 *              waits while both are full                        goes on when told, by notify()
 *
 * So the thread is never more than two pieces ahead of the client.
 *
 * Threads   start, take, cancel and free belong to the loop, write to the thread. */
#ifndef TB_HTTP_TRANSFER_H
#define TB_HTTP_TRANSFER_H

#include <stddef.h>

#include "base/str.h"
#include "taskboard/err.h"

enum tb_transfer_kind { TB_TRANSFER_BACKUP, TB_TRANSFER_EXPORT, TB_TRANSFER_KIND_COUNT };

struct tb_transfer;

/* Writes all there is; an error: that was not all. */
typedef enum tb_err tb_transfer_fill(struct tb_transfer *transfer, void *ctx);

struct tb_transfer_options {
    tb_transfer_fill *fill;
    void *ctx;
    /* Called on the thread when take() has something new to say, and once more, for the last time,
     * when fill() has returned and the transfer may be freed. */
    void (*notify)(void *ctx);
    void *notify_ctx;
};

/* NULL: the system has no thread for it. */
struct tb_transfer *tb_transfer_start(const struct tb_transfer_options *options);

/* False: nobody wants more of it. Has the type tb_write_bytes. */
bool tb_transfer_write(void *transfer, const void *bytes, size_t len);

enum tb_taken {
    TB_TAKEN_PIECE,
    TB_TAKEN_NOTHING, /* so far: notify() will be called */
    TB_TAKEN_END,
    TB_TAKEN_ERROR, /* it ends here, but is not whole */
};

/* Gives back the piece taken before and takes the next one, which is borrowed until then. */
enum tb_taken tb_transfer_take(struct tb_transfer *transfer, struct tb_str *piece,
                               enum tb_err *err);

/* Makes the thread end soon. */
void tb_transfer_cancel(struct tb_transfer *transfer);

/* Has fill() returned? */
bool tb_transfer_is_over(struct tb_transfer *transfer);

/* Only when it is over. The caller's pointer is set to NULL. */
void tb_transfer_free(struct tb_transfer **transfer);

#endif
