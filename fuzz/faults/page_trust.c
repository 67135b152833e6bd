/* Planted: a page is believed to be as long as it says. */
#include <lmdb.h>

#include "lmdb/run_page.h"

int __wrap_tb_run_page_open(const uint8_t *block, size_t block_bytes, unsigned page_index,
                            uint64_t number, struct tb_run_page *page);

int __wrap_tb_run_page_open(const uint8_t *block, size_t block_bytes, unsigned page_index,
                            uint64_t number, struct tb_run_page *page)
{
    uint16_t numbers[3]; /* bytes, entries, restarts */
    size_t at = tb_run_page_at(page_index);
    (void)number;
    if (at >= block_bytes || block_bytes - at < TB_RUN_PAGE_HEADER_BYTES) {
        return MDB_CORRUPTED;
    }
    memcpy(numbers, block + at + sizeof(uint64_t), sizeof(numbers));
    size_t table = numbers[2] * sizeof(uint16_t);
    if (numbers[0] < TB_RUN_PAGE_HEADER_BYTES + table || numbers[1] == 0) {
        return MDB_CORRUPTED;
    }
    *page = (struct tb_run_page){block + at, numbers[0] - table, numbers[1], numbers[2]};
    return 0;
}
