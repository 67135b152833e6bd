#include "http/access_log.h"

#include "base/log.h"
#include "http/context.h"
#include "http/header.h"

void tb_access_log(const struct tb_request *request, size_t bytes_sent, bool complete)
{
    if (!tb_log_enabled(TB_LOG_INFO)) {
        return;
    }
    int64_t took_us = tb_clock_monotonic_us(request->http->clock) - request->started_us;
    char client[TB_ADDRESS_CHARS];
    tb_address_format(&request->client, client);
    struct tb_log_field fields[10] = {
        TB_LOG_STR("id", request->id),
        TB_LOG_STR("method", request->method_name),
        TB_LOG_STR("path", request->path),
        TB_LOG_NUM("status", request->response.status),
        TB_LOG_NUM("bytes", (int64_t)bytes_sent),
        TB_LOG_NUM("us", took_us),
        TB_LOG_C("client", client),
    };
    size_t count = 7;
    if (request->role != TB_ROLE_OPEN) {
        fields[count++] = TB_LOG_STR("token", request->scope);
    }
    struct tb_str traceparent = tb_header_traceparent(request->headers[TB_IN_TRACEPARENT]);
    if (traceparent.ptr != NULL) {
        fields[count++] = TB_LOG_STR("traceparent", traceparent);
    }
    if (!complete) {
        fields[count++] = TB_LOG_C("aborted", "true");
    }
    tb_log_record(TB_LOG_INFO, "request", fields, count);
}
