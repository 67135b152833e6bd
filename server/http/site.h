/* The files of the dashboard and of its login page. They are part of the program (see
 * config/cmake/embed.cmake), so that it is the only file that an installation has, and answers are
 * sent from where they stand in its memory. Constant; pure functions. */
#ifndef TB_HTTP_SITE_H
#define TB_HTTP_SITE_H

#include "base/arena.h"
#include "base/str.h"

struct tb_site_file {
    const char *name; /* as in the path, behind /ui/ */
    const char *tag;  /* of what is in it, without quotes */
    struct tb_str plain;
    struct tb_str br; /* the same compressed; absent: not there */
    struct tb_str gz;
};

struct tb_site {
    const struct tb_site_file *files;
    size_t count;
};

/* What was embedded into this program: the login page's files, and the dashboard's, if they were
 * there when it was built. */
extern const struct tb_site tb_site;

/* The dashboard's page, which is there when the dashboard is. */
#define TB_SITE_PAGE "index.html"

/* NULL: there is none of that name. */
const struct tb_site_file *tb_site_find(const struct tb_site *site, struct tb_str name);

/* The form in which a file is sent to who sends that Accept-Encoding (absent when it is). */
struct tb_site_form {
    struct tb_str bytes;
    struct tb_str coding; /* absent: none */
    struct tb_str tag;    /* strong, with its quotes; in the arena */
};
struct tb_site_form tb_site_choose(struct tb_arena *arena, const struct tb_site_file *file,
                                   struct tb_str accept_encoding);

/* The media type that its name says. */
struct tb_str tb_site_type(const struct tb_site_file *file);

/* Has its name a hash of what is in it (`app-5F3K2Q8Z.js`), so that it never changes? */
bool tb_site_is_immutable(const struct tb_site_file *file);

#endif
