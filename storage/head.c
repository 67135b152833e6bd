#include <sys/random.h>

#include "engine.h"

bool tb_head_init(struct tb_head *head)
{
    *head = (struct tb_head){.oldest_seq = 1};
    return getentropy(&head->store_id, sizeof head->store_id) == 0 &&
           getentropy(head->claim_key, sizeof head->claim_key) == 0;
}

void tb_head_note_change(struct tb_head *head, const struct tb_task *old,
                         const struct tb_task *task)
{
    head->changes++;
    if (old != NULL) {
        head->state_changes[tb_task_state(old)] = head->changes;
    }
    if (task != NULL) {
        head->state_changes[tb_task_state(task)] = head->changes;
    }
}

void tb_head_note_vm_change(struct tb_head *head)
{
    head->changes++;
    head->vm_changes = head->changes;
}
