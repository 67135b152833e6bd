/* Files and values that the command line names. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "base/arena.h"
#include "base/str.h"

/* The whole file; "-" is standard input. Absent when it cannot be read, which has been said. */
struct tb_str cli_read_file(struct tb_arena *arena, const char *path);

/* JSON that was given as a word or as a file (at most one of them), in compact form in `*json`,
 * which stays absent when neither was given. False: it is no JSON, which has been said with
 * `name`, the option's. */
bool cli_given_json(struct tb_arena *arena, const char *name, const char *word, const char *file,
                    struct tb_str *json);

/* Gives the open file the name `path` in place of `partial`, so that it outlives a power cut; until
 * then what had that name stays. False, with errno set: the disk refused a part of it. */
bool cli_move_in(int fd, const char *partial, const char *path);

/* Writes a file that only its owner may read, in one step: whoever looks sees all of it or none.
 * False: it could not be written, which has been said. */
bool cli_write_secret(struct tb_arena *arena, const char *path, struct tb_str bytes);

#endif
