#include "history.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_BYTES (1 << 20)

static FILE *file;

void history_open(const char *path)
{
    file = fopen(path, "w");
    if (file == NULL || setvbuf(file, NULL, _IOFBF, BUFFER_BYTES) != 0) {
        err(1, "%s", path);
    }
}

void history_close(void)
{
    if (fclose(file) != 0) {
        err(1, "the history");
    }
}

static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

void history_note(const struct client *client, bool answered)
{
    const struct fleet_connection *connection = client->connection;
    const struct deed *deed = &client->deed;
    char seq[24] = "-";
    char etag[64] = "-";
    char replayed[8] = "";
    if (answered) {
        (void)fleet_header(connection, "events-seq", seq, sizeof seq);
        (void)fleet_header(connection, "etag", etag, sizeof etag);
        (void)fleet_header(connection, "idempotency-replayed", replayed, sizeof replayed);
    }
    if (fprintf(file,
                "%u\t%" PRIu64 "\t%s\t%d\t%" PRId64 "\t%" PRId64
                "\t%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\n",
                client->number, deed->serial, deed->kind->name, deed->keyed ? 1 : 0,
                connection->sent_us, fleet_now_us(), deed->method, deed->path,
                or_dash(deed->condition), answered ? connection->status : 0, seq, etag,
                replayed[0] == 't' ? 1 : 0, or_dash(deed->body),
                answered ? or_dash(connection->body) : "-") < 0) {
        err(1, "the history");
    }
}
