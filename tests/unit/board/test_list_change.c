/* The number behind the ETag of a list: another one whenever the answer may be another one. */
#include "fixture/fixture.h"

#include <stdlib.h>

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

static struct tb_list_request *request(struct tb_arena *arena, const char *query)
{
    struct tb_parse parse = {.arena = arena};
    struct tb_params params;
    struct tb_list_request *made = tb_arena_alloc(arena, sizeof(*made));
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    assert_true(tb_parse_list(&parse, &params, made));
    return made;
}

static uint64_t change_of(struct fixture *f, const struct tb_list_request *made)
{
    uint64_t change = 0;
    assert_int_equal(tb_read_list_change(fixture_read(f), made, &change), TB_OK);
    fixture_end_read(f);
    return change;
}

static uint64_t change(struct fixture *f, const char *query)
{
    return change_of(f, request(f->arena, query));
}

/* Whether the number of the list is another one than `*before`, which becomes the new one. */
static bool moves(struct fixture *f, const char *query, uint64_t *before)
{
    uint64_t now = change(f, query);
    bool moved = now != *before;
    *before = now;
    return moved;
}

/* --- what a list does not need to know --- */

static void changes_in_other_states_leave_a_list_of_states_alone(void **state)
{
    struct fixture *f = *state;
    struct tb_id open = fixture_task_named(f, "a");
    struct tb_id blocked = fixture_create(f, "{'title':'b','createdBy':'c','status':'blocked'}");
    uint64_t blocked_list = change(f, "status=blocked");
    uint64_t all = change(f, "");
    fixture_send(f, TB_COMMAND_BUMP, open, "{}");
    assert_false(moves(f, "status=blocked", &blocked_list));
    assert_true(moves(f, "", &all));
    fixture_send(f, TB_COMMAND_BUMP, blocked, "{}");
    assert_true(moves(f, "status=blocked", &blocked_list));
    fixture_patch(f, blocked, "{'status':'open'}"); /* it leaves */
    assert_true(moves(f, "status=blocked", &blocked_list));
    fixture_patch(f, open, "{'status':'blocked'}"); /* it comes */
    assert_true(moves(f, "status=blocked", &blocked_list));
    fixture_delete(f, open);
    assert_true(moves(f, "status=blocked", &blocked_list));
}

static void changes_of_other_names_leave_a_list_of_a_name_alone(void **state)
{
    struct fixture *f = *state;
    struct tb_id anns = fixture_create(f, "{'title':'a','createdBy':'c','assignee':'ann'}");
    struct tb_id bobs =
        fixture_create(f, "{'title':'b','createdBy':'c','assignee':'bob','tags':['x']}");
    uint64_t ann = change(f, "assignee=ann");
    uint64_t x = change(f, "tag=x");
    fixture_send(f, TB_COMMAND_BUMP, bobs, "{}");
    assert_false(moves(f, "assignee=ann", &ann));
    assert_true(moves(f, "tag=x", &x));
    fixture_send(f, TB_COMMAND_BUMP, anns, "{}");
    assert_true(moves(f, "assignee=ann", &ann));
    assert_false(moves(f, "tag=x", &x));
    fixture_patch(f, anns, "{'assignee':'bob','tags':['x']}");
    assert_true(moves(f, "assignee=ann", &ann));
    assert_true(moves(f, "tag=x", &x));
    fixture_patch(f, bobs, "{'tags':[]}");
    assert_true(moves(f, "tag=x", &x));
}

static void the_quietest_condition_decides(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'a','createdBy':'c','assignee':'ann','tags':['x','y']}");
    struct tb_id other = fixture_create(f, "{'title':'b','createdBy':'c','tags':['x']}");
    uint64_t all_of_them = change(f, "status=open&tag=x&tag=y&assignee=ann");
    fixture_send(f, TB_COMMAND_BUMP, other, "{}");
    assert_false(moves(f, "status=open&tag=x&tag=y&assignee=ann", &all_of_them));
    fixture_patch(f, other, "{'tags':['x','y'],'assignee':'ann'}");
    assert_true(moves(f, "status=open&tag=x&tag=y&assignee=ann", &all_of_them));
}

/* A poll for work of one's own costs nothing while others work. */
static void a_claim_moves_the_lists_of_its_holder_only(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'a','createdBy':'c','assignee':'ann'}");
    fixture_task_named(f, "b");
    uint64_t ann = change(f, "assignee=ann&status=open,in_progress");
    uint64_t review = change(f, "status=in_review");
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'bob'}");
    assert_reply(f, 200);
    assert_false(moves(f, "assignee=ann&status=open,in_progress", &ann));
    assert_false(moves(f, "status=in_review", &review));
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann'}");
    assert_reply(f, 200);
    assert_true(moves(f, "assignee=ann&status=open,in_progress", &ann));
}

/* --- what it must know --- */

static void a_name_that_nobody_has_is_no_condition_to_go_by(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'a','createdBy':'c','assignee':'ann'}");
    fixture_finish(f, id);
    uint64_t ann = change(f, "assignee=ann");
    fixture_send(f, TB_COMMAND_BUMP, id, "{}"); /* done tasks may be changed, too */
    assert_true(moves(f, "assignee=ann", &ann));
    fixture_create(f, "{'title':'b','createdBy':'c','assignee':'ann'}");
    assert_true(moves(f, "assignee=ann", &ann));
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_true(moves(f, "assignee=ann", &ann));
}

static void a_pause_moves_every_list(void **state)
{
    struct fixture *f = *state;
    uint64_t done = change(f, "status=done");
    uint64_t ann = change(f, "assignee=ann");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'x'}");
    assert_true(moves(f, "status=done", &done));
    assert_true(moves(f, "assignee=ann", &ann));
    fixture_send(f, TB_COMMAND_RESUME, none, "{'tag':'x'}");
    assert_true(moves(f, "status=done", &done));
    assert_true(moves(f, "assignee=ann", &ann));
    fixture_send(f, TB_COMMAND_RESUME, none, "{'tag':'x'}");
    assert_false(moves(f, "assignee=ann", &ann));
}

static void a_list_of_what_cannot_be_never_moves(void **state)
{
    struct fixture *f = *state;
    uint64_t nonsense = change(f, "status=nonsense");
    fixture_task_named(f, "a");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{}");
    assert_false(moves(f, "status=nonsense", &nonsense));
}

/* Where a page ends that looked at enough entries depends on tasks that do not match. */
static void a_page_that_may_be_cut_moves_with_everything(void **state)
{
    struct fixture *f = *state;
    struct tb_list_request *made = request(f->arena, "assignee=ann");
    fixture_create(f, "{'title':'a','createdBy':'c','assignee':'ann'}");
    uint64_t before = change_of(f, made);
    fixture_task_named(f, "b");
    assert_true(change_of(f, made) == before);
    made->query.scan_max = 8;
    uint64_t cut = change_of(f, made);
    assert_true(cut != before);
    fixture_task_named(f, "c");
    assert_true(change_of(f, made) != cut);
    made = request(f->arena, "status=open"); /* looks at nothing in vain */
    made->query.scan_max = 1;
    before = change_of(f, made);
    fixture_create(f, "{'title':'d','createdBy':'c','status':'done'}");
    assert_true(change_of(f, made) == before);
}

/* One list goes by all changes, then by its own: the same change may have been the last of both. */
static void the_two_kinds_of_numbers_never_meet(void **state)
{
    struct fixture *f = *state;
    struct tb_list_request *made = request(f->arena, "assignee=ann&status=open");
    made->query.scan_max = 8;
    struct tb_id bobs = fixture_create(f, "{'title':'a','createdBy':'c','assignee':'bob'}");
    fixture_create(f, "{'title':'b','createdBy':'c','assignee':'ann'}");
    uint64_t of_all = change_of(f, made);
    fixture_delete(f, bobs);
    assert_int_equal(change_of(f, made), of_all - 1);
}

/* --- whatever happens --- */

static const char *const queries[] = {
    "",
    "view=summary",
    "fields=id,ready",
    "limit=2",
    "maxBytes=1024",
    "order=updated",
    "order=rank&limit=3",
    "status=open",
    "status=in_progress",
    "status=in_review",
    "status=blocked",
    "status=done&order=updated",
    "status=open,blocked",
    "ready=true",
    "ready=true&order=rank&limit=1",
    "ready=true&tag=x",
    "ready=false",
    "ready=false&status=open",
    "ready=false&tag=x&order=rank",
    "tag=x",
    "tag=x&tag=y",
    "tag=x&tag=y&tag=z",
    "tag=z&status=done",
    "assignee=ann",
    "assignee=ann&status=in_progress",
    "assignee=bob&status=done",
    "assignee=ann&tag=x&order=updated",
    "createdBy=eve",
    "createdBy=eve&status=open",
    "q=fence",
    "q=fence&assignee=bob&order=rank",
    "updatedSince=2023-11-14T22:15:00.000Z",
    "updatedSince=2023-11-14T22:15:00.000Z&tag=y",
    "status=nonsense",
};

static const uint32_t scans[] = {0, 7, 40}; /* 0: as usual */

#define LISTS       (COUNT(queries) * COUNT(scans))
#define STEPS       500
#define CHANGES_MAX 4096
#define TASKS_MAX   24

struct story {
    struct fixture *f;
    struct tb_arena *arena; /* of the requests */
    struct tb_list_request *lists[LISTS];
    uint64_t last_change[LISTS];
    uint64_t last_hash[LISTS];
    uint64_t (*hash_of)[2 * CHANGES_MAX]; /* of the body, by list and number; 0: none yet */
    unsigned spared;                      /* how often something changed, and a number did not */
    struct tb_id ids[TASKS_MAX];
    size_t id_count;
    char token[TB_CLAIM_TOKEN_BYTES_MAX]; /* of the latest claim */
    struct tb_id claimed;
};

static struct tb_str body_of(struct story *s, const struct tb_list_request *made)
{
    struct tb_list list;
    struct tb_buf out;
    tb_list_init(&list, made);
    tb_buf_init(&out, s->f->arena, 4096);
    assert_int_equal(tb_list_piece(&list, fixture_read(s->f), &out, SIZE_MAX / 2), TB_OK);
    assert_true(list.done);
    return tb_buf_str(&out);
}

static uint64_t hash_of_body(struct tb_str body)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < body.len; i++) {
        hash = (hash ^ (uint8_t)body.ptr[i]) * UINT64_C(1099511628211);
    }
    return hash | 1;
}

/* At no two times may a list have had the same number and not the same bytes. */
static void look(struct story *s, const char *after)
{
    for (size_t i = 0; i < LISTS; i++) {
        uint64_t number = 0;
        assert_int_equal(tb_read_list_change(fixture_read(s->f), s->lists[i], &number), TB_OK);
        assert_true(number < 2 * CHANGES_MAX);
        uint64_t hash = hash_of_body(body_of(s, s->lists[i]));
        uint64_t *known = &s->hash_of[i][number];
        if (*known != 0 && *known != hash) {
            fail_msg("?%s (scan_max %u) has changed with %s, and its number is still %llu",
                     queries[i % COUNT(queries)], scans[i / COUNT(queries)], after,
                     (unsigned long long)number);
        }
        *known = hash;
        s->spared += number == s->last_change[i] ? 1 : 0;
        s->last_change[i] = number;
    }
    fixture_end_read(s->f);
}

static unsigned dice(struct story *s, unsigned sides)
{
    return random_below(&s->f->random, sides);
}

static const char *any_of(struct story *s, const char *const *items, size_t count)
{
    return items[dice(s, (unsigned)count)];
}

#define ANY(s, ...)                                                                                \
    any_of((s), (const char *const[]){__VA_ARGS__},                                                \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static struct tb_id any_task(struct story *s)
{
    return s->ids[dice(s, (unsigned)s->id_count)];
}

static const char *any_tags(struct story *s)
{
    return ANY(s, "[]", "['x']", "['y']", "['x','y']", "['x','y','z']", "['z']", "['x','x']");
}

static const char *any_agent(struct story *s)
{
    return ANY(s, "ann", "bob");
}

static void create(struct story *s)
{
    size_t place = s->id_count < TASKS_MAX ? s->id_count++ : dice(s, TASKS_MAX);
    const char *more = ANY(s, "", ",'delaySeconds':20", ",'assignee':'ann'", ",'assignee':'bob'",
                           ",'status':'done'", ",'priority':3", ",'description':'the fence'");
    const char *dependency =
        place > 0 && dice(s, 3) == 0
            ? tb_arena_printf(s->f->arena, ",'dependencies':['%s']",
                              fixture_id(s->f, s->ids[dice(s, (unsigned)place)]))
                  .ptr
            : "";
    s->ids[place] =
        fixture_create(s->f, "{'title':'t%u','createdBy':'%s','tags':%s%s%s}", dice(s, 100),
                       ANY(s, "eve", "dan"), any_tags(s), more, dependency);
}

static void patch(struct story *s)
{
    struct tb_id id = any_task(s);
    switch (dice(s, 6)) {
    case 0:
        fixture_send(s->f, TB_COMMAND_PATCH, id, "{'tags':%s}", any_tags(s));
        return;
    case 1:
        fixture_send(s->f, TB_COMMAND_PATCH, id, "{'assignee':%s}",
                     ANY(s, "'ann'", "'bob'", "null"));
        return;
    case 2:
        fixture_send(s->f, TB_COMMAND_PATCH, id, "{'priority':%u}", dice(s, 5));
        return;
    case 3:
        fixture_send(s->f, TB_COMMAND_PATCH, id, "{'title':'%s'}",
                     ANY(s, "a fence", "a gate", "fences"));
        return;
    default:
        s->f->force = dice(s, 2) == 0;
        fixture_send(s->f, TB_COMMAND_PATCH, id, "{'status':'%s'}",
                     ANY(s, "open", "done", "blocked", "in_progress", "in_review"));
        s->f->force = false;
        return;
    }
}

static void delete (struct story *s)
{
    size_t place = dice(s, (unsigned)s->id_count);
    s->f->force = true;
    fixture_send(s->f, TB_COMMAND_DELETE, s->ids[place], "{}");
    s->f->force = false;
    if (s->f->reply.err == TB_OK) {
        s->ids[place] = s->ids[--s->id_count];
    }
}

static void claim(struct story *s)
{
    fixture_send(s->f, TB_COMMAND_CLAIM, none, "{'agent':'%s','leaseSeconds':%u}", any_agent(s),
                 10 + dice(s, 60));
    assert_reply(s->f, 200);
    if (s->f->reply.found_nothing) {
        return;
    }
    static const char name[] = "\"token\":\"";
    struct tb_str body = s->f->reply.body;
    const char *at = memmem(body.ptr, body.len, name, sizeof(name) - 1);
    assert_non_null(at);
    at += sizeof(name) - 1;
    size_t len = (size_t)((const char *)memchr(at, '"', 64) - at);
    memcpy(s->token, at, len);
    s->token[len] = '\0';
    s->claimed = fixture_item(s->f, 0);
}

static void work(struct story *s)
{
    if (s->token[0] == '\0') {
        return;
    }
    static const enum tb_command_kind kinds[] = {TB_COMMAND_HEARTBEAT, TB_COMMAND_HEARTBEAT,
                                                 TB_COMMAND_COMPLETE, TB_COMMAND_FAIL,
                                                 TB_COMMAND_RELEASE};
    enum tb_command_kind kind = kinds[dice(s, COUNT(kinds))];
    const char *more =
        kind == TB_COMMAND_HEARTBEAT ? ANY(s, "", ",'progress':{'percent':5}", ",'leaseSeconds':30")
        : kind == TB_COMMAND_COMPLETE ? ANY(s, "", ",'result':7", ",'review':true")
        : kind == TB_COMMAND_FAIL     ? ANY(s, ",'error':'e'", ",'error':'e','delaySeconds':0",
                                            ",'error':'e','retryable':false")
                                      : "";
    fixture_send(s->f, kind, s->claimed, "{'claimToken':'%s'%s}", s->token, more);
}

static void steer(struct story *s)
{
    switch (dice(s, 4)) {
    case 0:
        fixture_send(s->f, TB_COMMAND_PAUSE, none, "%s",
                     ANY(s, "{}", "{'tag':'x'}", "{'tag':'y'}", "{'reason':'r'}"));
        return;
    case 1:
        fixture_send(s->f, TB_COMMAND_RESUME, none, "%s",
                     ANY(s, "{}", "{'tag':'x'}", "{'tag':'y'}"));
        return;
    case 2:
        fixture_send(s->f, TB_COMMAND_CANCEL, any_task(s), "{'force':%s}", ANY(s, "true", "false"));
        return;
    default:
        fixture_send(s->f, TB_COMMAND_RETRY, any_task(s), "{}");
        return;
    }
}

static void talk(struct story *s)
{
    struct tb_id id = any_task(s);
    switch (dice(s, 4)) {
    case 0:
        fixture_send(s->f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
        return;
    case 1:
        fixture_send(s->f, TB_COMMAND_ARTIFACTS, id,
                     "{'artifacts':[{'type':'file','url':'u','label':'l'}]}");
        return;
    case 2:
        fixture_send(s->f, TB_COMMAND_BUMP, id, "{}");
        return;
    default:
        fixture_send(s->f, TB_COMMAND_REVIEW, id, "{'summary':'s'}");
        return;
    }
}

static void time_passes(struct story *s)
{
    fixture_advance(s->f, 1000 * (int64_t)dice(s, 20));
    fixture_run_due(s->f, 100);
}

static const struct {
    const char *name;
    void (*act)(struct story *s);
} acts[] = {{"create", create},   {"create", create}, {"patch", patch},   {"patch", patch},
            {"delete", delete},   {"claim", claim},   {"claim", claim},   {"work", work},
            {"work", work},       {"steer", steer},   {"a remark", talk}, {"time", time_passes},
            {"time", time_passes}};

static void tell(struct fixture *f, uint64_t seed)
{
    struct story s = {.f = f, .arena = tb_arena_new(0)};
    f->random = seed;
    s.hash_of = calloc(LISTS, sizeof(*s.hash_of));
    assert_non_null(s.hash_of);
    for (size_t i = 0; i < LISTS; i++) {
        uint32_t scan_max = scans[i / COUNT(queries)];
        s.lists[i] = request(s.arena, queries[i % COUNT(queries)]);
        s.lists[i]->query.scan_max = scan_max != 0 ? scan_max : s.lists[i]->query.scan_max;
    }
    look(&s, "nothing");
    create(&s);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned act = dice(&s, COUNT(acts));
        if (s.id_count == 0) {
            act = 0;
        }
        acts[act].act(&s);
        assert_true(tb_err_status(f->reply.err) < 500);
        fixture_forget(f);
        look(&s, acts[act].name);
        fixture_forget(f);
    }
    /* and it must be worth something */
    assert_true(s.spared > STEPS * LISTS / 5);
    free(s.hash_of);
    tb_arena_free(s.arena);
}

static void no_two_answers_have_the_same_number(void **state)
{
    tell(*state, 7);
}

static void nor_have_they_in_another_story(void **state)
{
    tell(*state, 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(changes_in_other_states_leave_a_list_of_states_alone),
        fixture_test(changes_of_other_names_leave_a_list_of_a_name_alone),
        fixture_test(the_quietest_condition_decides),
        fixture_test(a_claim_moves_the_lists_of_its_holder_only),
        fixture_test(a_name_that_nobody_has_is_no_condition_to_go_by),
        fixture_test(a_pause_moves_every_list),
        fixture_test(a_list_of_what_cannot_be_never_moves),
        fixture_test(a_page_that_may_be_cut_moves_with_everything),
        fixture_test(the_two_kinds_of_numbers_never_meet),
        fixture_test(no_two_answers_have_the_same_number),
        fixture_test(nor_have_they_in_another_story),
        fixture_large_test(nor_have_they_in_another_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
