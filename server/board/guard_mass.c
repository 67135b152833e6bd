#include "board/guard_mass.h"

#include <stdlib.h>

#include "board/vm_life.h"

#define LOST_MIN 3

struct counting {
    struct tb_guard_mass *guard;
    const struct tb_board *board;
};

static enum tb_visit count_vm(void *ctx, const struct tb_vm *vm)
{
    const struct counting *counting = ctx;
    struct tb_guard_mass *guard = counting->guard;
    if (tb_vm_runs(vm)) {
        guard->running++;
        guard->silent += tb_vm_ends_ms(counting->board, vm) <= counting->board->now_ms ? 1 : 0;
    } else if (!tb_vm_is_gone(vm) && vm->stale_ms != 0) {
        guard->lost_ms[guard->lost_count++] = vm->stale_ms;
    }
    return TB_VISIT_NEXT;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void count(struct tb_guard_mass *guard, struct tb_board *board)
{
    const struct tb_head *head = tb_txn_head(board->txn);
    struct counting counting = {.guard = guard, .board = board};
    guard->lost_ms =
        tb_arena_alloc(guard->arena, (head->vms - head->running_vms + 1) * sizeof(int64_t));
    tb_visit_vms(board->txn, false, count_vm, &counting);
    qsort(guard->lost_ms, guard->lost_count, sizeof(*guard->lost_ms), compare);
    guard->counted = true;
}

/* How many were lost after that instant. */
static uint64_t lost_since(const struct tb_guard_mass *guard, int64_t ms)
{
    size_t low = 0;
    size_t high = guard->lost_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (guard->lost_ms[middle] > ms) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return guard->lost_count - low;
}

bool tb_guard_mass_holds(struct tb_guard_mass *guard, struct tb_board *board,
                         const struct tb_vm *vm)
{
    if (!guard->counted) {
        count(guard, board);
    }
    uint64_t before = lost_since(guard, board->now_ms - vm->ttl_ms);
    uint64_t together = guard->silent + before;
    return together >= LOST_MIN && 2 * together > guard->running + before;
}

int64_t tb_guard_mass_spare(struct tb_guard_mass *guard, struct tb_board *board,
                            const struct tb_vm *vm)
{
    int64_t until_ms = board->now_ms + vm->ttl_ms;
    if (guard->spared == 0 || until_ms < guard->until_ms) {
        guard->until_ms = until_ms;
    }
    guard->spared++;
    board->spared_vms++;
    return until_ms;
}

void tb_guard_mass_tell(const struct tb_guard_mass *guard, struct tb_board *board)
{
    struct tb_buf extra;
    if (guard->spared == 0) {
        return;
    }
    tb_buf_init(&extra, board->arena, 64);
    TB_BUF_LIT(&extra, ",\"vms\":");
    tb_buf_add_u64(&extra, guard->spared);
    TB_BUF_LIT(&extra, ",\"until\":");
    tb_buf_add_instant(&extra, guard->until_ms);
    const struct tb_change change = {.type = TB_EVENT_EXPIRY_HELD, .extra = tb_buf_str(&extra)};
    tb_change_tell(board, NULL, &change);
}
