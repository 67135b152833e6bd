/* The guard against a mass loss: when so many VMs fall silent together, it is rather the way to
 * them that is broken than they, and their loss waits one more ttl. Internal to the rules.
 *
 * Looked at are the VMs that are silent now and those that were lost within the last ttl: when they
 * are more than half of all, and at least 3, each of those that are due is spared once. Whose
 * claims were ended already has lost them for good. */
#ifndef TB_BOARD_GUARD_MASS_H
#define TB_BOARD_GUARD_MASS_H

#include "board/change.h"

/* Of one run of the timer; all zero at first. Knows the VMs as they were when it was first asked:
 * those that the run itself makes stale stay among the silent. */
struct tb_guard_mass {
    struct tb_arena *arena; /* set by the caller; must outlive the run */
    bool counted;
    uint64_t running;
    uint64_t silent;  /* of the running */
    int64_t *lost_ms; /* since when the stale ones are, ascending */
    size_t lost_count;
    uint32_t spared;
    int64_t until_ms; /* when the first of them is looked at again */
};

/* Are too many lost together with this one, which has fallen silent? Costs a walk over all VMs the
 * first time. */
bool tb_guard_mass_holds(struct tb_guard_mass *guard, struct tb_board *board,
                         const struct tb_vm *vm);

/* Notes down that the VM is spared; until when. */
int64_t tb_guard_mass_spare(struct tb_guard_mass *guard, struct tb_board *board,
                            const struct tb_vm *vm);

/* The end of the run: tells the log when somebody was spared. */
void tb_guard_mass_tell(const struct tb_guard_mass *guard, struct tb_board *board);

#endif
