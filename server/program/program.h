/* The running program: everything that is open, in the order in which it was opened.
 *
 *   judge → start → serve → close        or, instead of serving, offline
 *
 * Owned by the main thread, which alone looks into it; `http` is lent to the loops while the server
 * runs. A function here that fails says so in one sentence in `why`, and leaves what is open to
 * whoever ends the program. */
#ifndef TB_PROGRAM_H
#define TB_PROGRAM_H

#include <signal.h>

#include "board/board.h"
#include "config/settings.h"
#include "http/context.h"
#include "http/listen.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/token.h"

#define TB_PROGRAM_WHY_BYTES TB_SETTINGS_WHY_BYTES

/* How the program ends, but for EXIT_SUCCESS. */
enum tb_exit {
    TB_EXIT_CANNOT = 1, /* it could not start, or do what it was asked for */
    TB_EXIT_FAULTY = 1, /* the store that was checked has faults */
    TB_EXIT_USAGE = 2,  /* the settings are wrong */
};

struct tb_program {
    struct tb_arena *arena; /* of the settings; for as long as the program runs */
    struct tb_settings settings;
    sigset_t signals; /* those that it waits for; see signals.h */
    struct tb_listen sockets;
    struct tb_tls *tls;    /* NULL: none */
    struct tb_token token; /* until it is taken over; empty: not read yet */
    struct tb_store *store;
    struct tb_service *service;
    struct tb_http http;
    struct tb_server *server;
    char why[TB_PROGRAM_WHY_BYTES];
};

/* What the rules need of the settings, whose strings it borrows. */
struct tb_board_options tb_program_board_options(const struct tb_settings *settings);

/* The folder of the store; points into the settings. */
const char *tb_program_data_dir(const struct tb_settings *settings);

/* Gives up being who started it for `--user`, for good, if there is one; see confine.h. */
TB_MUST_CHECK bool tb_program_become_user(struct tb_program *program);

#endif
