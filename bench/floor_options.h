/* The command line of both floors: pairs of --name and value. */
#ifndef BENCH_FLOOR_OPTIONS_H
#define BENCH_FLOOR_OPTIONS_H

#include "floor_answer.h"
#include "floor_loop.h"

/* Reads what both floors know into `server` and `answer`, and gives everything else to `own` (NULL:
 * there is nothing else), which returns false for a name that it does not know either. Names come
 * without their dashes; values live as long as argv. Exits with a sentence on anything wrong.
 *
 *   port N  threads N  status N  header "name: value" (may be repeated)  body FILE or size BYTES */
void floor_options_read(char **argv, struct floor_server *server, struct floor_answer *answer,
                        bool (*own)(const char *name, const char *value));

/* A whole number of 0 to `max`, or exits with a sentence. */
unsigned long floor_options_number(const char *text, unsigned long max);

#endif
