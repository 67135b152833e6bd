/* Entries: those that records have, and those that are there. */
#include <stdlib.h>

#include "lmdb/verify.h"

/* --- what there should be --- */

void tb_check_entries_begin(struct tb_check *check)
{
    check->record_entry_count = 0;
}

/* Records have some twenty: looking through them costs less than anything else here. */
static bool had_before(const struct tb_check *check, uint64_t hash)
{
    for (size_t i = 0; i < check->record_entry_count; i++) {
        if (check->record_entries[i] == hash) {
            return true;
        }
    }
    return false;
}

void tb_check_expect(struct tb_check *check, const struct tb_key *key)
{
    enum { ROOM_FIRST = 256 };
    uint64_t hash = tb_difference_hash(key);
    if (had_before(check, hash)) {
        return;
    }
    if (check->record_entry_count == check->record_entry_room) {
        check->record_entry_room =
            check->record_entry_room == 0 ? ROOM_FIRST : 2 * check->record_entry_room;
        check->record_entries =
            realloc(check->record_entries, check->record_entry_room * sizeof(uint64_t));
        if (check->record_entries == NULL) {
            abort();
        }
    }
    check->record_entries[check->record_entry_count++] = hash;
    tb_difference_add(check->difference, key, true);
}

/* --- names: the numbers in an entry of NAME follow from nothing but its history; so its counts are
 * compared with those of the tasks, and its place with NAME_ORDER --- */

static void start_count(struct tb_key *key, enum tb_name_kind kind, struct tb_str name)
{
    tb_names_start_key(key, kind, name);
    key->bytes[0] = TB_CHECK_COUNT;
}

void tb_check_expect_names(struct tb_check *check)
{
    for (size_t i = 0; i < tb_name_table_count(check->names); i++) {
        const struct tb_name_row *row = tb_name_table_row(check->names, i);
        struct tb_key key;
        if (row->now.count.tasks > 0) {
            start_count(&key, row->kind, row->name);
            tb_key_add_u64(&key, row->now.count.tasks);
            tb_key_add_u64(&key, row->now.count.ready);
            tb_difference_add(check->difference, &key, true);
        }
    }
}

static void add_place(struct tb_key *key, uint16_t size, uint64_t number)
{
    key->bytes[0] = TB_CHECK_PLACE;
    tb_key_add_byte(key, (uint8_t)(size >> 8));
    tb_key_add_byte(key, (uint8_t)size);
    tb_key_add_u64(key, number);
}

static void find_name(struct tb_check *check, const struct tb_key *key)
{
    struct tb_key other = {.len = key->len - TB_NAMES_ENTRY_BYTES};
    const uint8_t *numbers = key->bytes + other.len;
    uint64_t changed = tb_key_read_u64(numbers);
    uint64_t tasks = tb_key_read_u64(numbers + sizeof(uint64_t));
    uint64_t number = tb_key_read_u64(numbers + 3 * sizeof(uint64_t));
    memcpy(other.bytes, key->bytes, other.len);
    if (tasks == 0 ||
        (check->has_head && (changed > check->txn.head.changes || number > changed))) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key->bytes, key->len, text);
        tb_check_fault(check, "an entry has numbers that cannot be: %s", text);
    }
    struct tb_key count = other;
    count.bytes[0] = TB_CHECK_COUNT;
    tb_key_add_bytes(&count, numbers + sizeof(uint64_t), 2 * sizeof(uint64_t));
    tb_difference_add(check->difference, &count, false);
    if (tasks > 0) {
        add_place(&other, tb_names_size(tasks), number);
        tb_difference_add(check->difference, &other, true);
    }
}

static void find_order(struct tb_check *check, const struct tb_key *key, MDB_val name)
{
    enum { KIND_AT = 1, SIZE_AT = 2, NUMBER_AT = 4, HASH_AT = 12 };
    const uint8_t *bytes = key->bytes;
    uint8_t hash[16];
    struct tb_key place;
    uint8_t kind = bytes[KIND_AT];
    uint16_t size = (uint16_t) ~((unsigned)bytes[SIZE_AT] << 8 | bytes[SIZE_AT + 1]);
    tb_name_hash((enum tb_name_kind)kind, tb_mdb_str(name), hash);
    if (kind >= TB_NAME_KIND_COUNT || memcmp(hash, bytes + HASH_AT, sizeof hash) != 0) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(bytes, key->len, text);
        tb_check_fault(check, "the name of an entry is not the one in its key: %s", text);
        return;
    }
    tb_names_start_key(&place, (enum tb_name_kind)kind, tb_mdb_str(name));
    add_place(&place, size, tb_key_read_u64(bytes + NUMBER_AT));
    tb_difference_add(check->difference, &place, false);
}

/* --- what there is --- */

static bool has_form(struct tb_check *check, const struct tb_key *key, enum tb_lmdb_db db)
{
    bool good = tb_entry_has_form(key->bytes, key->len) && key->bytes[0] < TB_CHECK_COUNT &&
                tb_lmdb_index_db(key->bytes[0]) == db;
    if (!good) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key->bytes, key->len, text);
        tb_check_fault(check, "the %s database has an entry of no known form: %s",
                       tb_check_db_name(db), text);
    }
    return good;
}

void tb_check_find(struct tb_check *check, const struct tb_key *key)
{
    check->tally->entries++;
    if (!has_form(check, key, TB_DB_RUN)) {
        return;
    }
    if (key->bytes[0] == TB_INDEX_NAME) {
        find_name(check, key);
    } else {
        tb_difference_add(check->difference, key, false);
    }
}

static void find_in_tree(void *ctx, MDB_val bytes, MDB_val value)
{
    struct tb_check *check = ctx;
    struct tb_key key = {.len = bytes.mv_size};
    check->tally->entries++;
    if (key.len > sizeof key.bytes) {
        tb_check_fault(check, "the index database has a key of %zu bytes", key.len);
        return;
    }
    memcpy(key.bytes, bytes.mv_data, key.len);
    if (!has_form(check, &key, TB_DB_INDEX)) {
        return;
    }
    if (key.bytes[0] == TB_INDEX_NAME_ORDER) {
        find_order(check, &key, value);
        return;
    }
    if (value.mv_size != 0) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key.bytes, key.len, text);
        tb_check_fault(check, "an entry has a value and should have none: %s", text);
    }
    tb_difference_add(check->difference, &key, false);
}

void tb_check_index(struct tb_check *check)
{
    tb_check_walk(check, TB_DB_INDEX, find_in_tree, check);
}

/* --- the difference --- */

static bool is_of_tree(uint8_t index)
{
    return index == TB_CHECK_PLACE ||
           (index < TB_CHECK_COUNT && tb_lmdb_index_db(index) == TB_DB_INDEX);
}

void tb_check_tell_difference(struct tb_check *check, bool runs)
{
    struct tb_differing *keys = NULL;
    uint64_t sample = 1;
    size_t count = tb_difference_take(check->difference, &keys, &sample);
    uint64_t all = count * sample;
    if (runs && sample > 1) {
        tb_check_fault(check,
                       "about %llu entries are missing or belong to nothing; one in %llu of them "
                       "follows",
                       (unsigned long long)all, (unsigned long long)sample);
    }
    for (size_t i = 0; i < count; i++) {
        const struct tb_key *key = &keys[i].key;
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key->bytes, key->len, text);
        if (runs || (is_of_tree(key->bytes[0]) && key->bytes[0] != TB_CHECK_PLACE)) {
            tb_check_fault(check, "%s: %s",
                           keys[i].expected ? "an index entry is missing"
                                            : "an index entry belongs to nothing",
                           text);
        }
    }
    free(keys);
}
