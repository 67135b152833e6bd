/* Lists of a world, page by page. */
#include "world.h"

#include <stdlib.h>

static enum tb_visit remember(void *ctx, const struct tb_task *task)
{
    struct page *page = ctx;
    assert_true(page->count < sizeof page->ids / sizeof *page->ids);
    page->ids[page->count++] = task->id;
    page->last.id = task->id;
    page->last.key = page->order == TB_ORDER_UPDATED ? task->updated_ms
                     : page->order == TB_ORDER_RANK  ? task->rank_ms
                                                     : 0;
    return page->count == page->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

struct page *list(struct tb_txn *txn, const struct tb_task_query *query, size_t max)
{
    struct page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    page->max = max;
    page->order = query->order;
    assert_int_equal(tb_visit_tasks(txn, query, remember, page, &page->end), TB_OK);
    return page;
}

struct page *ready_list(struct tb_txn *txn, const struct tb_ready_query *query, size_t max)
{
    struct page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    page->max = max;
    page->order = TB_ORDER_RANK;
    assert_int_equal(tb_visit_ready(txn, query, remember, page), TB_OK);
    return page;
}

/* Puts the pages one after the other and expects the whole. */
static void expect_pages(struct tb_txn *txn, struct tb_task_query query, size_t max,
                         const struct tb_id *ids, size_t count)
{
    size_t met = 0;
    bool more = true;
    for (size_t rounds = 0; more; rounds++) {
        assert_true(rounds <= 100000);
        struct page *page = list(txn, &query, max);
        assert_true(met + page->count <= count);
        for (size_t i = 0; i < page->count; i++) {
            assert_same_id(page->ids[i], ids[met++]);
        }
        more = page->end.more_to_scan || page->count == max;
        query.has_after = true;
        query.after = page->end.more_to_scan ? page->end.reached : page->last;
        free(page);
    }
    assert_int_equal(met, count);
}

void expect_list(struct tb_txn *txn, struct tb_task_query query, const struct tb_id *ids,
                 size_t count)
{
    static const uint32_t scans[] = {0, 1, 2, 7};
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        query.scan_max = scans[i];
        expect_pages(txn, query, SIZE_MAX, ids, count);
        for (size_t max = 1; max <= count + 1 && max <= 5; max++) {
            expect_pages(txn, query, max, ids, count);
        }
    }
}
