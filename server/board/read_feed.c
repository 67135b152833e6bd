/* The feed as its clients see it: bare arrays, single events, statistics. */
#include "board/feed.h"
#include "board/read.h"
#include "taskboard/limits.h"

void tb_feed_write(const struct tb_event *event, struct tb_buf *out)
{
    TB_BUF_LIT(out, "{\"id\":\"");
    tb_ulid_format(event->id, tb_buf_reserve(out, TB_ULID_LEN));
    out->len += TB_ULID_LEN;
    TB_BUF_LIT(out, "\",");
    tb_buf_add(out, event->data.ptr + 1, event->data.len - 2);
    TB_BUF_LIT(out, ",\"timestamp\":");
    tb_buf_add_instant(out, event->at_ms);
    TB_BUF_LIT(out, "}");
}

/* --- lists --- */

/* The events as they are found, latest first, one behind the other. */
struct found {
    const struct tb_feed_request *request;
    struct tb_buf wires;
    size_t *ends; /* of each in `wires` */
    uint32_t count;
    uint32_t looked_at;
};

static enum tb_visit add_event(void *ctx, const struct tb_event *event)
{
    struct found *found = ctx;
    found->looked_at++;
    if (found->request->type < 0 || found->request->type == (int)event->type) {
        size_t before = found->wires.len;
        tb_feed_write(event, &found->wires);
        if (found->wires.len > TB_FEED_BYTES_MAX && found->count > 0) {
            found->wires.len = before;
            return TB_VISIT_STOP;
        }
        found->ends[found->count++] = found->wires.len;
    }
    return found->count == found->request->limit || found->looked_at == TB_EVENTS_SCAN_MAX
               ? TB_VISIT_STOP
               : TB_VISIT_NEXT;
}

static void write_oldest_first(const struct found *found, struct tb_buf *out)
{
    TB_BUF_LIT(out, "[");
    for (uint32_t i = found->count; i-- > 0;) {
        size_t start = i > 0 ? found->ends[i - 1] : 0;
        tb_buf_add(out, found->wires.ptr + start, found->ends[i] - start);
        if (i > 0) {
            TB_BUF_LIT(out, ",");
        }
    }
    TB_BUF_LIT(out, "]");
}

/* The greatest id that can be made in that millisecond. */
static struct tb_id last_id_of(int64_t ms)
{
    struct tb_id id;
    memset(id.bytes, 0xFF, sizeof(id.bytes));
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    return id;
}

/* The seq behind which the list begins. */
static enum tb_err find_since(struct tb_txn *txn, const struct tb_feed_request *request,
                              uint64_t *since)
{
    uint64_t seq = 0;
    enum tb_err err = TB_OK;
    *since = tb_txn_head(txn)->feed_cleared_seq;
    if (!tb_id_is_zero(request->since_id)) {
        err = tb_find_event(txn, request->since_id, &seq);
    } else if (request->since_ms > 0) {
        err = tb_find_event(txn, last_id_of(request->since_ms), &seq);
    }
    *since = seq > *since ? seq : *since;
    return err;
}

enum tb_err tb_read_feed(struct tb_txn *txn, const struct tb_feed_request *request,
                         struct tb_buf *out)
{
    struct found found = {.request = request};
    struct tb_feed_query query = {.agent = request->agent, .latest_first = true};
    if (request->nothing) {
        TB_BUF_LIT(out, "[]");
        return TB_OK;
    }
    enum tb_err err = find_since(txn, request, &query.since);
    tb_buf_init(&found.wires, out->arena, 4096);
    found.ends = tb_arena_alloc(out->arena, request->limit * sizeof(*found.ends));
    if (err == TB_OK) {
        err = tb_visit_feed(txn, &query, add_event, &found);
    }
    write_oldest_first(&found, out);
    return err;
}

/* --- one event --- */

struct wanted {
    struct tb_id id;
    uint64_t cleared_seq;
    struct tb_buf *out;
    bool found;
};

static enum tb_visit write_if_wanted(void *ctx, const struct tb_event *event)
{
    struct wanted *wanted = ctx;
    if (tb_id_cmp(event->id, wanted->id) == 0 && tb_event_is_of_feed(event->type) &&
        event->seq > wanted->cleared_seq) {
        tb_feed_write(event, wanted->out);
        wanted->found = true;
    }
    return TB_VISIT_STOP;
}

enum tb_err tb_read_feed_event(struct tb_txn *txn, struct tb_id id, struct tb_buf *out)
{
    struct wanted wanted = {
        .id = id, .cleared_seq = tb_txn_head(txn)->feed_cleared_seq, .out = out};
    uint64_t seq = 0;
    enum tb_err err = tb_find_event(txn, id, &seq);
    if (err == TB_OK && seq > 0) {
        err = tb_visit_events(txn, seq - 1, (struct tb_id){{0}}, write_if_wanted, &wanted);
    }
    return err == TB_OK && !wanted.found ? TB_E_EVENT_NOT_FOUND : err;
}

/* --- statistics --- */

struct agent {
    struct tb_str name;   /* text */
    struct tb_str latest; /* json: its latest event */
    uint32_t count;
};

struct stats {
    struct tb_arena *arena;
    struct agent **agents; /* by name */
    size_t agent_count;
    size_t bytes; /* of the latest events */
    uint32_t by_type[TB_EVENT_TYPE_COUNT];
    uint32_t total;
};

/* Where the agent is, or belongs. */
static size_t place_of(const struct stats *stats, struct tb_str name)
{
    size_t low = 0;
    size_t high = stats->agent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tb_str_cmp(stats->agents[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The events come latest first: an agent's first one is its latest. */
static struct agent *add_agent(struct stats *stats, size_t at, const struct tb_event *event)
{
    struct agent *agent = tb_arena_alloc(stats->arena, sizeof(*agent));
    *agent = (struct agent){.name = tb_arena_dup(stats->arena, event->actor)};
    if (stats->bytes < TB_FEED_BYTES_MAX) {
        struct tb_buf latest;
        tb_buf_init(&latest, stats->arena, event->data.len + 128);
        tb_feed_write(event, &latest);
        agent->latest = tb_buf_str(&latest);
        stats->bytes += latest.len;
    }
    for (size_t i = stats->agent_count; i > at; i--) {
        stats->agents[i] = stats->agents[i - 1];
    }
    stats->agents[at] = agent;
    stats->agent_count++;
    return agent;
}

static enum tb_visit count_event(void *ctx, const struct tb_event *event)
{
    struct stats *stats = ctx;
    size_t at = place_of(stats, event->actor);
    bool known = at < stats->agent_count && tb_str_eq(stats->agents[at]->name, event->actor);
    struct agent *agent = known ? stats->agents[at] : add_agent(stats, at, event);
    agent->count++;
    stats->by_type[event->type]++;
    return ++stats->total == TB_FEED_EVENTS_MAX ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void add_comma(struct tb_buf *out)
{
    if (out->ptr[out->len - 1] != '{') {
        TB_BUF_LIT(out, ",");
    }
}

static void add_agents(const struct stats *stats, struct tb_buf *out)
{
    TB_BUF_LIT(out, ",\"byAgent\":{");
    for (size_t i = 0; i < stats->agent_count; i++) {
        add_comma(out);
        tb_buf_add_quoted(out, stats->agents[i]->name);
        TB_BUF_LIT(out, ":");
        tb_buf_add_u64(out, stats->agents[i]->count);
    }
    TB_BUF_LIT(out, "}");
}

static void add_types(const struct stats *stats, struct tb_buf *out)
{
    TB_BUF_LIT(out, ",\"byType\":{");
    for (int type = TB_EVENT_FEED_FIRST; type <= TB_EVENT_FEED_LAST; type++) {
        if (stats->by_type[type] > 0) {
            add_comma(out);
            tb_buf_add_quoted(out, tb_feed_type_name((enum tb_event_type)type));
            TB_BUF_LIT(out, ":");
            tb_buf_add_u64(out, stats->by_type[type]);
        }
    }
    TB_BUF_LIT(out, "}");
}

static void add_latest(const struct stats *stats, struct tb_buf *out)
{
    TB_BUF_LIT(out, ",\"latestPerAgent\":{");
    for (size_t i = 0; i < stats->agent_count; i++) {
        if (stats->agents[i]->latest.ptr != NULL) {
            add_comma(out);
            tb_buf_add_quoted(out, stats->agents[i]->name);
            TB_BUF_LIT(out, ":");
            tb_buf_add_str(out, stats->agents[i]->latest);
        }
    }
    TB_BUF_LIT(out, "}}");
}

enum tb_err tb_read_feed_stats(struct tb_txn *txn, struct tb_buf *out)
{
    const struct tb_feed_query query = {
        .since = tb_txn_head(txn)->feed_cleared_seq,
        .latest_first = true,
    };
    struct stats stats = {
        .arena = out->arena,
        .agents = tb_arena_alloc(out->arena, TB_FEED_EVENTS_MAX * sizeof(struct agent *)),
    };
    enum tb_err err = tb_visit_feed(txn, &query, count_event, &stats);
    TB_BUF_LIT(out, "{\"total\":");
    tb_buf_add_u64(out, stats.total);
    add_agents(&stats, out);
    add_types(&stats, out);
    add_latest(&stats, out);
    return err;
}
