/* A story of commands on an empty board: every decoder of bodies, every rule behind them.
 *
 * An input is lines of at most STEPS_MAX steps: a letter for the kind of the command ('A' + kind),
 * a character whose low bits choose the task, one whose low bits are flags, and the body:
 *
 *     A@@{"title":"paint","createdBy":"ann"}
 *     J@@{"agent":"bob"}
 *     M@@{"claimToken":"$T"}
 *
 * In a body `$T` stands for the last claim token, `$0` to `$7` for the ids of the last tasks. What
 * is refused says why; what is accepted keeps to the limits; an answer is valid JSON; in the end
 * the board verifies. */
#include "fixture/fixture.h"
#include "fuzz.h"
#include "strict.h"
#include "taskboard/limits.h"

#define STEPS_MAX      24
#define IDS_MAX        8
#define BODY_BYTES_MAX ((size_t)64 * 1024)
#define TEN_MINUTES_MS 600000

enum flag {
    FLAG_FORCE = 1 << 0,
    FLAG_STRICT = 1 << 1,
    FLAG_TOKEN = 1 << 2,      /* header Claim-Token */
    FLAG_LATER = 1 << 3,      /* ten minutes pass before it, and what is due is done */
    FLAG_IDEMPOTENT = 1 << 4, /* header Idempotency-Key, always the same */
};

struct story {
    struct fixture fixture;
    struct tb_id ids[IDS_MAX]; /* of the last tasks created */
    unsigned id_count;
    struct tb_str token; /* of the last claim */
};

/* --- limits of what was accepted --- */

static void check_texts(const struct tb_str *texts, size_t count, size_t count_max,
                        size_t bytes_max)
{
    must(count <= count_max);
    for (size_t i = 0; i < count; i++) {
        must(texts[i].ptr != NULL && strict_text_within(texts[i], bytes_max));
    }
}

static void check_string_array(struct tb_str array, size_t count_max, size_t bytes_max)
{
    size_t count = 0;
    struct tb_str text;
    if (array.ptr == NULL) {
        return;
    }
    must(strict_json_within(array, SIZE_MAX));
    struct tb_json_strings strings = tb_json_strings_of(array);
    while (tb_json_strings_next(&strings, &text)) {
        must(strict_text_within(text, bytes_max));
        count++;
    }
    must(count <= count_max);
}

static void check_fields(const struct tb_task_fields *fields)
{
    must(strict_text_within(fields->title, TB_TITLE_BYTES_MAX));
    must(strict_text_within(fields->description, TB_DESCRIPTION_BYTES_MAX));
    must(strict_text_within(fields->assignee, TB_NAME_BYTES_MAX));
    check_string_array(fields->tags, TB_TAGS_MAX, TB_TAG_BYTES_MAX);
    check_string_array(fields->dependencies, TB_DEPENDENCIES_MAX, TB_DEPENDENCY_BYTES_MAX);
    must(strict_json_within(fields->payload, TB_PAYLOAD_BYTES_MAX));
    must(fields->priority >= -TB_PRIORITY_MAX && fields->priority <= TB_PRIORITY_MAX);
    must(fields->max_attempts <= TB_MAX_ATTEMPTS_MAX || fields->max_attempts == UINT32_MAX);
    must((unsigned)fields->status < TB_STATUS_COUNT);
    must((unsigned)fields->outcome < TB_OUTCOME_COUNT);
    must(fields->not_before_ms >= 0);
}

static void check_create(const struct tb_create_command *create)
{
    must(create->item_count >= 1 && create->item_count <= TB_CREATE_TASKS_MAX);
    must(create->array || create->item_count == 1);
    for (size_t i = 0; i < create->item_count; i++) {
        const struct tb_create_item *item = &create->items[i];
        check_fields(&item->fields);
        must(item->fields.title.len > 0 && item->created_by.len > 0);
        must(strict_text_within(item->created_by, TB_NAME_BYTES_MAX));
        must(strict_text_within(item->unique_key, TB_NAME_BYTES_MAX));
        must(strict_text_within(item->parent, TB_DEPENDENCY_BYTES_MAX));
        must(strict_text_within(item->ref, TB_REF_BYTES_MAX));
        must(item->parent_item >= -1 && item->parent_item < (int32_t)create->item_count);
        must(item->delay_ms >= -1 && item->delay_ms <= TB_DELAY_SECONDS_MAX * INT64_C(1000));
    }
}

static void check_artifacts(const struct tb_artifacts_command *artifacts)
{
    must(artifacts->item_count <= TB_ARTIFACTS_REQUEST_MAX);
    for (size_t i = 0; i < artifacts->item_count; i++) {
        must(strict_text_within(artifacts->items[i].url, TB_ARTIFACT_BYTES_MAX));
        must(strict_text_within(artifacts->items[i].label, TB_ARTIFACT_BYTES_MAX));
        must(strict_text_within(artifacts->items[i].added_by, TB_NAME_BYTES_MAX));
        must((unsigned)artifacts->items[i].type < TB_ARTIFACT_TYPE_COUNT);
    }
}

static void check_lease(int64_t lease_ms)
{
    must(lease_ms >= TB_LEASE_SECONDS_MIN * 1000 && lease_ms <= TB_LEASE_SECONDS_MAX * 1000);
}

static void check_claim(const struct tb_claim_command *claim)
{
    must(claim->agent.len > 0 && strict_text_within(claim->agent, TB_NAME_BYTES_MAX));
    must(strict_text_within(claim->vm_id, TB_NAME_BYTES_MAX));
    check_texts(claim->tags, claim->tag_count, TB_CLAIM_TAGS_MAX, TB_TAG_BYTES_MAX);
    check_texts(claim->any_tags, claim->any_tag_count, TB_CLAIM_TAGS_MAX, TB_TAG_BYTES_MAX);
    must(claim->max >= 1 && claim->max <= TB_CLAIM_TASKS_MAX);
    must(claim->wait_ms >= 0 && claim->wait_ms <= TB_WAIT_SECONDS_MAX * 1000);
    check_lease(claim->lease_ms);
}

static void check_finish(const struct tb_finish_command *finish)
{
    must(strict_text_within(finish->claim_token, TB_CLAIM_TOKEN_BYTES_MAX));
    must(strict_json_within(finish->result, TB_RESULT_BYTES_MAX));
    must(strict_text_within(finish->summary, TB_NOTE_BYTES_MAX));
    must(strict_text_within(finish->error, TB_ERROR_BYTES_MAX));
    must(strict_text_within(finish->reason, TB_REASON_BYTES_MAX));
    must(finish->delay_ms >= -1 && finish->delay_ms <= TB_DELAY_SECONDS_MAX * INT64_C(1000));
    check_artifacts(&finish->artifacts);
    if (finish->has_next) {
        check_claim(&finish->next);
        must(finish->next.wait_ms == 0);
    }
}

static void check_heartbeat(const struct tb_heartbeat_command *heartbeat)
{
    must(strict_text_within(heartbeat->claim_token, TB_CLAIM_TOKEN_BYTES_MAX));
    must(strict_text_within(heartbeat->message, TB_PROGRESS_BYTES_MAX));
    must(heartbeat->percent >= -1 && heartbeat->percent <= 100);
    if (heartbeat->lease_ms != 0) {
        check_lease(heartbeat->lease_ms);
    }
}

static void check_vm(const struct tb_vm_command *vm)
{
    must(strict_text_within(vm->name, TB_NAME_BYTES_MAX));
    must(strict_text_within(vm->address, TB_ADDRESS_BYTES_MAX));
    must(strict_json_within(vm->services, TB_SERVICES_BYTES_MAX));
    must(strict_json_within(vm->metadata, TB_METADATA_BYTES_MAX));
    must(strict_text_within(vm->registered_by, TB_NAME_BYTES_MAX));
    must((unsigned)vm->role < TB_VM_ROLE_COUNT && (unsigned)vm->status < TB_VM_STATUS_COUNT);
    must(vm->ttl_ms <= TB_TTL_SECONDS_MAX * 1000);
}

static void check_steer(const struct tb_steer_command *steer)
{
    must(strict_text_within(steer->by, TB_NAME_BYTES_MAX));
    must(strict_text_within(steer->reason, TB_REASON_BYTES_MAX));
    must(strict_text_within(steer->tag, TB_TAG_BYTES_MAX));
}

static void check_retry_many(const struct tb_retry_many_command *retry)
{
    must(strict_text_within(retry->by, TB_NAME_BYTES_MAX));
    must(strict_text_within(retry->tag, TB_NAME_BYTES_MAX));
    must(strict_text_within(retry->assignee, TB_NAME_BYTES_MAX));
    must(strict_text_within(retry->created_by, TB_NAME_BYTES_MAX));
    must(retry->max >= 1 && retry->max <= TB_RETRY_TASKS_MAX);
}

static void check_note(const struct tb_note_command *note)
{
    must(note->author.len > 0 && strict_text_within(note->author, TB_NAME_BYTES_MAX));
    must(note->content.len > 0 && strict_text_within(note->content, TB_NOTE_BYTES_MAX));
    must((unsigned)note->type < TB_NOTE_TYPE_COUNT);
}

static void check_verdict(const struct tb_verdict_command *verdict)
{
    must(strict_text_within(verdict->by, TB_NAME_BYTES_MAX));
    must(strict_text_within(verdict->text, TB_NOTE_BYTES_MAX));
    check_artifacts(&verdict->artifacts);
}

static void check_feed(const struct tb_feed_command *feed)
{
    must(tb_event_is_of_feed(feed->type));
    must(feed->agent.len > 0 && strict_text_within(feed->agent, TB_NAME_BYTES_MAX));
    must(strict_text_within(feed->summary, TB_FEED_SUMMARY_BYTES_MAX));
    must(strict_text_within(feed->detail, TB_FEED_DETAIL_BYTES_MAX));
    must(strict_json_within(feed->metadata, TB_METADATA_BYTES_MAX));
}

static void check_limits(const struct tb_command *command)
{
    switch (command->kind) {
    case TB_COMMAND_CREATE:
        check_create(&command->create);
        break;
    case TB_COMMAND_PATCH:
        check_fields(&command->patch.fields);
        break;
    case TB_COMMAND_NOTE:
        check_note(&command->note);
        break;
    case TB_COMMAND_ARTIFACTS:
        check_artifacts(&command->artifacts);
        break;
    case TB_COMMAND_REVIEW:
    case TB_COMMAND_APPROVE:
    case TB_COMMAND_REJECT:
        check_verdict(&command->verdict);
        break;
    case TB_COMMAND_CLAIM:
    case TB_COMMAND_CLAIM_TASK:
        check_claim(&command->claim);
        break;
    case TB_COMMAND_HEARTBEAT:
        check_heartbeat(&command->heartbeat);
        break;
    case TB_COMMAND_COMPLETE:
    case TB_COMMAND_FAIL:
    case TB_COMMAND_RELEASE:
        check_finish(&command->finish);
        break;
    case TB_COMMAND_RETRY_MANY:
        check_retry_many(&command->retry_many);
        break;
    case TB_COMMAND_CANCEL:
    case TB_COMMAND_RETRY:
    case TB_COMMAND_ACCEPT:
    case TB_COMMAND_PAUSE:
    case TB_COMMAND_RESUME:
        check_steer(&command->steer);
        break;
    case TB_COMMAND_VM_REGISTER:
    case TB_COMMAND_VM_PUT:
    case TB_COMMAND_VM_PATCH:
        check_vm(&command->vm);
        break;
    case TB_COMMAND_FEED_PUBLISH:
        check_feed(&command->feed);
        break;
    default: /* without a body */
        break;
    }
}

/* --- answers --- */

static void check_extra(struct tb_arena *arena, struct tb_str extra)
{
    struct strict_json read;
    if (extra.ptr != NULL) {
        strict_json_read(tb_arena_printf(arena, "{\"a\":1%.*s}", (int)extra.len, extra.ptr), &read);
        must(read.valid);
    }
}

static void check_reply(struct story *story, bool parsed)
{
    const struct tb_reply *reply = &story->fixture.reply;
    if (reply->err != TB_OK) {
        int status = tb_err_status(reply->err);
        must(status >= 400 && status < 500);
        must(tb_err_code(reply->err)[0] != '\0' && tb_err_text(reply->err)[0] != '\0');
        must(strict_text_within(reply->message, BODY_BYTES_MAX));
        check_extra(story->fixture.arena, reply->extra);
    } else {
        must(parsed && (reply->http_status == 200 || reply->http_status == 201));
        must(reply->body.ptr != NULL && strict_json_within(reply->body, SIZE_MAX));
    }
    must(strict_utf8(story->fixture.ignored.ptr == NULL ? TB_STR("") : story->fixture.ignored));
}

/* What follows `name` in the answer, up to a quote. */
static bool find(struct tb_str body, const char *name, struct tb_str *value)
{
    const char *found = memmem(body.ptr, body.len, name, strlen(name));
    if (found == NULL) {
        return false;
    }
    found += strlen(name);
    const char *end = memchr(found, '"', (size_t)(body.ptr + body.len - found));
    must(end != NULL);
    *value = tb_str_from(found, (size_t)(end - found));
    return true;
}

static void remember(struct story *story, enum tb_command_kind kind)
{
    struct tb_str body = story->fixture.reply.body, value;
    if (story->fixture.reply.err != TB_OK) {
        return;
    }
    if (kind == TB_COMMAND_CREATE && find(body, "{\"id\":\"", &value)) {
        must(tb_ulid_parse(value, &story->ids[story->id_count++ % IDS_MAX]));
    }
    if (find(body, "\"claimToken\":\"", &value)) {
        story->token = value;
    }
}

/* --- one step --- */

static struct tb_str fill_in(struct story *story, struct tb_str body)
{
    struct tb_buf out;
    tb_buf_init(&out, story->fixture.arena, body.len + 64);
    for (size_t i = 0; i < body.len && out.len < BODY_BYTES_MAX; i++) {
        char next = i + 1 < body.len ? body.ptr[i + 1] : '\0';
        if (body.ptr[i] == '$' && next == 'T') {
            tb_buf_add_str(&out, story->token);
            i++;
        } else if (body.ptr[i] == '$' && next >= '0' && next < '0' + IDS_MAX) {
            tb_buf_add_c(&out, fixture_id(&story->fixture, story->ids[next - '0']));
            i++;
        } else {
            tb_buf_add(&out, &body.ptr[i], 1);
        }
    }
    return tb_buf_str(&out);
}

static void set_headers(struct story *story, unsigned flags, unsigned selector)
{
    static const char *const vm_ids[] = {"vm-1", "vm-2", "vm-3", "vm-4"};
    struct fixture *f = &story->fixture;
    f->force = (flags & FLAG_FORCE) != 0;
    f->strict = (flags & FLAG_STRICT) != 0;
    f->claim_token = (flags & FLAG_TOKEN) != 0 ? story->token : TB_STR_NONE;
    f->idempotency_key = (flags & FLAG_IDEMPOTENT) != 0 ? "key" : NULL;
    f->vm_id = tb_str_c(vm_ids[selector % 4]);
    f->attempt = 1 + (selector >> 3 & 1);
    if ((flags & FLAG_LATER) != 0) {
        fixture_advance(f, TEN_MINUTES_MS);
        (void)fixture_run_due(f, 100);
    }
}

static void run_step(struct story *story, struct tb_str line)
{
    struct fuzz_input input = {line.ptr, line.len};
    struct tb_command command;
    enum tb_command_kind kind =
        (enum tb_command_kind)((unsigned)(fuzz_byte(&input) - 'A') % TB_COMMAND_KIND_COUNT);
    unsigned selector = fuzz_byte(&input);
    set_headers(story, fuzz_byte(&input), selector);
    struct tb_str body = fill_in(story, fuzz_rest(&input));
    char *exact = fuzz_exact(body);
    bool parsed = fixture_parse(&story->fixture, kind, story->ids[selector % IDS_MAX], &command,
                                tb_str_from(exact, body.len));
    if (kind == TB_COMMAND_IMPORT) {
        command.import = (struct tb_import_command){
            .format = (enum tb_import_format)(selector % TB_IMPORT_FORMAT_COUNT),
            .bytes = tb_str_from(exact, body.len),
        };
    } else {
        free(exact); /* the command does not need it */
        exact = NULL;
    }
    if (parsed) {
        check_limits(&command);
        fixture_apply(&story->fixture, &command);
    }
    free(exact);
    check_reply(story, parsed);
    remember(story, kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct story story;
    struct fuzz_input input = fuzz_input_of(data, size);
    struct tb_str line;
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* the fixture's asserts end the process */
    story = (struct story){.token = TB_STR("no-token")};
    fixture_open(&story.fixture, FIXTURE_MEMORY, 1);
    for (unsigned step = 0; step < STEPS_MAX && fuzz_until(&input, '\n', &line); step++) {
        run_step(&story, line);
    }
    fixture_close(&story.fixture); /* verifies */
    return 0;
}
