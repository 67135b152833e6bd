/* Data folders: stores opened in them, or refused. */
#ifndef TB_TESTS_FOLDER_H
#define TB_TESTS_FOLDER_H

#include "world.h"

/* `map_bytes` 0: as the server has it. */
enum tb_err open_folder(const char *folder, bool create, uint64_t map_bytes,
                        struct tb_store **store, char why[256]);
enum tb_err open_to_look(const char *folder, struct tb_store **store);

/* Expects that it is refused with that error and a sentence that names the folder and holds
 * `because`. */
void expect_refusal(const char *folder, bool create, enum tb_err err, const char *because);

/* The store of a world on LMDB, closed: what is done to its file, the next one to open it meets. */
void close_store_of(struct world *world);

#endif
