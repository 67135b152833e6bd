#include "floor_answer.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void floor_answer_make_body(struct floor_answer *answer, size_t size)
{
    answer->body = h2o_iovec_init(h2o_mem_alloc(size + 1), size);
    memset(answer->body.base, 'x', size);
}

void floor_answer_read_body(struct floor_answer *answer, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        err(1, "cannot read %s", path);
    }
    long size = ftell(file);
    rewind(file);
    if (size < 0) {
        err(1, "cannot measure %s", path);
    }
    floor_answer_make_body(answer, (size_t)size);
    if (fread(answer->body.base, 1, (size_t)size, file) != (size_t)size) {
        errx(1, "%s got shorter while it was read", path);
    }
    fclose(file);
}

void floor_answer_add_header(struct floor_answer *answer, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || answer->header_count == FLOOR_HEADERS_MAX) {
        errx(1, "not a header, or one too many: %s", line);
    }
    for (char *at = line; at < colon; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    char *value = colon + 1 + strspn(colon + 1, " ");
    struct floor_header *header = &answer->headers[answer->header_count++];
    header->name = h2o_iovec_init(line, (size_t)(colon - line));
    header->value = h2o_iovec_init(value, strlen(value));
}

void floor_answer_send(const struct floor_answer *answer, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    bool bare = answer->status == 304;

    req->res.status = answer->status;
    req->res.reason = answer->status == 304 ? "Not Modified" : "OK";
    req->res.content_length = bare ? SIZE_MAX : answer->body.len;
    for (size_t i = 0; i < answer->header_count; i++) {
        const struct floor_header *header = &answer->headers[i];
        h2o_add_header_by_str(&req->pool, &req->res.headers, header->name.base, header->name.len, 1,
                              NULL, header->value.base, header->value.len);
    }
    h2o_start_response(req, &generator);
    h2o_iovec_t body = answer->body;
    h2o_send(req, &body, bare ? 0 : 1, H2O_SEND_STATE_FINAL);
}
