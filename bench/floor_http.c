/* The least that an h2o server can do: the same bytes to every request. The floor of reads. */
#include "floor_answer.h"
#include "floor_loop.h"
#include "floor_options.h"

static struct floor_answer answer = {.status = 200};
static struct floor_server server;

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    (void)handler;
    floor_answer_send(&answer, req);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    floor_options_read(argv, &server, &answer, NULL);
    floor_serve(&server, on_req);
}
