/* When could the answer to a list have become another one?
 *
 * The board counts its changes, and remembers which one was the last that touched a state, a tag,
 * an assignee, the pauses: a task's change touches what the task was and what it is. Say a change
 * `c` alters the answer to a list, and N is the number given for it.
 *
 *   a  Either a pause came or went, or `c` stored or deleted a task that stood in the answer before
 *      or after: it met each condition of the filter then. So each number that is looked at here,
 *      of the states, of a tag, of the assignee, is at least `c` from then on: they never fall. A
 *      name without a task that is not done has no number (changes of its done tasks may be
 *      forgotten) and is not looked at; should it come to have one, that is of a change after `c`.
 *   b  Before `c`, every number was less than `c`: no change had it yet.
 *
 * The least of several such numbers is one, too: before `c` it was less, and from then on all of
 * them are at least `c`. Which of them take part may differ from one time to the other, as a and b
 * hold for each of them, and for `changes` itself. So does the greater of it and the number of the
 * pauses, which take part because they decide what is shown as ready, whatever the filter.
 *
 * What becomes true by time alone (a delay is over, a lease ends) is stored when it does, and
 * counts as a change of the task. Notes and artifacts count in their task's record.
 *
 * One thing depends on tasks that do not match: where a page ends that had to look at too many
 * entries. Where that can be, the number is that of all changes, and a bit tells the two kinds
 * apart, as the same number can be one of either. */
#include "board/read.h"

/* The names of the filter that are looked up: the assignee and so many tags. */
#define TAGS_MAX 2

static bool is_open(const struct tb_list_request *request)
{
    return (request->query.states & (1U << TB_STATE_WAITING)) != 0;
}

/* The states of the tasks that the answer depends on. Those that are paused count as not ready. */
static unsigned states_of(const struct tb_list_request *request)
{
    unsigned ready = request->unready_only && is_open(request) ? 1U << TB_STATE_READY : 0;
    return request->query.states | ready;
}

static uint64_t change_of_states(const struct tb_head *head, unsigned states)
{
    uint64_t change = 0;
    for (unsigned state = 0; state < TB_STATE_COUNT; state++) {
        if ((states & (1U << state)) != 0 && head->state_changes[state] > change) {
            change = head->state_changes[state];
        }
    }
    return change;
}

/* Lowers `*change` to that of the name, if it has one. */
static enum tb_err lower(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                         uint64_t *change)
{
    struct tb_name_count count;
    enum tb_err err = tb_get_name(txn, kind, name, &count);
    if (err == TB_OK && count.changed < *change) {
        *change = count.changed;
    }
    return err == TB_E_ABSENT ? TB_OK : err;
}

/* Lists that are narrowed by more than their states, or that leave some of those out, may look at
 * entries in vain: at no more than each task of the states once for each list of its filter, and
 * once more. */
static bool may_be_cut(const struct tb_head *head, const struct tb_list_request *request,
                       unsigned states)
{
    const struct tb_task_query *query = &request->query;
    uint64_t lists = query->tag_count + query->word_count + (query->assignee.ptr != NULL ? 1 : 0) +
                     (query->created_by.ptr != NULL ? 1 : 0) +
                     (tb_id_is_zero(query->parent_id) ? 0 : 1) +
                     (query->updated_since_ms != 0 ? 1 : 0);
    uint64_t tasks = 0;
    for (unsigned state = 0; state < TB_STATE_COUNT; state++) {
        tasks += (states & (1U << state)) != 0 ? head->task_counts[state] : 0;
    }
    bool narrowed =
        lists > 0 || (head->pauses > 0 && (request->ready_only || request->unready_only));
    return narrowed && (tasks + 1) * (lists + 2) >= query->scan_max;
}

enum tb_err tb_read_list_change(struct tb_txn *txn, const struct tb_list_request *request,
                                uint64_t *change)
{
    const struct tb_head *head = tb_txn_head(txn);
    const struct tb_task_query *query = &request->query;
    *change = 0;
    if (request->nothing) {
        return TB_OK;
    }
    unsigned states = states_of(request);
    if (may_be_cut(head, request, states)) {
        *change = head->changes * 2 + 1;
        return TB_OK;
    }
    uint64_t least = change_of_states(head, states);
    enum tb_err err = TB_OK;
    if (query->assignee.ptr != NULL) {
        err = lower(txn, TB_NAME_ASSIGNEE, query->assignee, &least);
    }
    for (size_t i = 0; i < query->tag_count && i < TAGS_MAX && err == TB_OK; i++) {
        err = lower(txn, TB_NAME_TAG, query->tags[i], &least);
    }
    *change = 2 * (least > head->pause_changes ? least : head->pause_changes);
    return err;
}
