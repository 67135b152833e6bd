#include "floor_options.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES_MAX (64 * 1024 * 1024)

unsigned long floor_options_number(const char *text, unsigned long max)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number > max) {
        errx(2, "not a number up to %lu: %s", max, text);
    }
    return number;
}

static bool take_common(struct floor_server *server, struct floor_answer *answer, const char *name,
                        char *value)
{
    if (strcmp(name, "port") == 0) {
        server->port = (uint16_t)floor_options_number(value, UINT16_MAX);
    } else if (strcmp(name, "threads") == 0) {
        server->loop_count = (unsigned)floor_options_number(value, FLOOR_LOOPS_MAX);
    } else if (strcmp(name, "status") == 0) {
        answer->status = (int)floor_options_number(value, 599);
    } else if (strcmp(name, "header") == 0) {
        floor_answer_add_header(answer, value);
    } else if (strcmp(name, "body") == 0) {
        floor_answer_read_body(answer, value);
    } else if (strcmp(name, "size") == 0) {
        floor_answer_make_body(answer, floor_options_number(value, BODY_BYTES_MAX));
    } else {
        return false;
    }
    return true;
}

void floor_options_read(char **argv, struct floor_server *server, struct floor_answer *answer,
                        bool (*own)(const char *name, const char *value))
{
    for (char **at = argv + 1; *at != NULL; at += 2) {
        const char *name = at[0];
        if (strncmp(name, "--", 2) != 0 || at[1] == NULL) {
            errx(2, "expected --name value, not: %s", name);
        }
        if (!take_common(server, answer, name + 2, at[1]) &&
            (own == NULL || !own(name + 2, at[1]))) {
            errx(2, "unknown option: %s", name);
        }
    }
    if (server->port == 0) {
        errx(2, "--port is missing");
    }
}
