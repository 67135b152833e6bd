/* The admin token's way from the environment or a file to who checks it. Its bytes are wiped behind
 * it; what stays is a digest. Main thread. */
#ifndef TB_PROGRAM_ADMIN_TOKEN_H
#define TB_PROGRAM_ADMIN_TOKEN_H

#include "program/program.h"

/* Before the program gives up the rights that it was started with. One that is given may be for the
 * superuser's eyes only; one that is made belongs to who serves, so that this leaves it for later. */
TB_MUST_CHECK bool tb_admin_token_read_given(struct tb_program *program);

/* With the store open: makes `http.auth` ready, of the token that was read or of the one in the data
 * folder, where it is made when there is none. The log says where it is. */
TB_MUST_CHECK bool tb_admin_token_install(struct tb_program *program);

#endif
