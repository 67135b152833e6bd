/* Giving up what serving does not need, before the first thread starts: the rights of the superuser,
 * and those to write anywhere but into the board's own folders, to run programs and to connect to
 * others. What somebody could make this process do, it could then do there alone. */
#ifndef TB_CONFINE_H
#define TB_CONFINE_H

#include "taskboard/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Becomes that user, with its groups, for good. `folder` (NULL: none) is made for it, with its parents
 * there, when it is not. Somebody who is no superuser can only ask to stay who he is. One sentence
 * in `why` on failure. */
TB_MUST_CHECK bool tb_become_user(const char *name, const char *folder, char *why, size_t why_size);

#define TB_CONFINE_FOLDERS_MAX 2

/* Landlock (Linux 5.13): files are written, made and removed below these folders alone (NULL: none),
 * nothing is executed, and (6.7) no TCP socket is bound or connected any more. Reading is left as
 * it is, for certificates are replaced. For this thread, and those that it will start. False, where
 * the kernel cannot do it, with a reason in `*why`. */
TB_MUST_CHECK bool tb_confine(const char *const folders[TB_CONFINE_FOLDERS_MAX], const char **why);

#endif
