/* The one answer that a floor gives to every request: status, headers and body are taken from the
 * command line. */
#ifndef BENCH_FLOOR_ANSWER_H
#define BENCH_FLOOR_ANSWER_H

#include <h2o.h>
#include <stdbool.h>

#define FLOOR_HEADERS_MAX 16

/* Read-only once the loops run. */
struct floor_answer {
    int status;
    h2o_iovec_t body; /* never freed; ignored for a 304 */
    struct floor_header {
        h2o_iovec_t name; /* in small letters */
        h2o_iovec_t value;
    } headers[FLOOR_HEADERS_MAX];
    size_t header_count;
};

/* Takes the body from a file, or makes one of `size` bytes. Exits with a sentence when it cannot.
 */
void floor_answer_read_body(struct floor_answer *answer, const char *path);
void floor_answer_make_body(struct floor_answer *answer, size_t size);

/* Adds a header given as "name: value"; the argument must outlive the answer. Exits with a sentence
 * when it cannot. */
void floor_answer_add_header(struct floor_answer *answer, char *line);

/* Answers the request, on its own loop. The body is sent from where it lies. */
void floor_answer_send(const struct floor_answer *answer, h2o_req_t *req);

#endif
