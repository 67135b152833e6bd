#include "unit/base/check.h"

#include "taskboard/task.h"

typedef const char *name_of(unsigned value);
typedef bool parse_name(struct tb_str text, unsigned *value);

/* Each kind of name as functions of plain numbers. */
#define NAMES(kind)                                                                                \
    static const char *kind##_name(unsigned value)                                                 \
    {                                                                                              \
        return tb_##kind##_name((enum tb_##kind)value);                                            \
    }                                                                                              \
    static bool kind##_parse(struct tb_str text, unsigned *value)                                  \
    {                                                                                              \
        enum tb_##kind parsed = (enum tb_##kind) * value;                                          \
        bool known = tb_##kind##_parse(text, &parsed);                                             \
        *value = (unsigned)parsed;                                                                 \
        return known;                                                                              \
    }

NAMES(status)
NAMES(outcome)
NAMES(note_type)
NAMES(artifact_type)
NAMES(attempt_outcome)
NAMES(field)

static const struct kind {
    name_of *name;
    parse_name *parse;
    unsigned first;
    unsigned end;
    const char *names; /* in order, separated by spaces */
} kinds[] = {
    {status_name, status_parse, 0, TB_STATUS_COUNT, "open in_progress in_review blocked done"},
    {outcome_name, outcome_parse, 1, TB_OUTCOME_COUNT, "success failed cancelled"},
    {note_type_name, note_type_parse, 0, TB_NOTE_TYPE_COUNT, "finding blocker question update"},
    {artifact_type_name, artifact_type_parse, 0, TB_ARTIFACT_TYPE_COUNT,
     "branch report deploy diff file url"},
    {attempt_outcome_name, attempt_outcome_parse, 0, TB_ATTEMPT_OUTCOME_COUNT,
     "running completed failed released expired cancelled taken_over vm_lost"},
    {field_name, field_parse, 0, TB_FIELD_COUNT,
     "id title status outcome assignee tags dependencies createdBy createdAt updatedAt score "
     "version priority notBefore attempts maxAttempts claim progress uniqueKey parentId "
     "blockedReason blockedBy ready description payload result notes artifacts"},
};

static void every_name_is_that_of_the_wire_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const char *at = kinds[i].names;
        for (unsigned value = kinds[i].first; value < kinds[i].end; value++) {
            size_t len = strcspn(at, " ");
            assert_true(tb_str_eq_c(tb_str_from(at, len), kinds[i].name(value)));
            at += len + (at[len] == ' ' ? 1 : 0);
        }
        assert_int_equal(*at, '\0');
    }
}

static void every_name_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (unsigned value = kinds[i].first; value < kinds[i].end; value++) {
            unsigned parsed = UINT32_MAX;
            assert_true(kinds[i].parse(tb_str_c(kinds[i].name(value)), &parsed));
            assert_int_equal(parsed, value);
        }
    }
}

static void an_unknown_name_is_refused_and_leaves_the_value_alone(void **state)
{
    (void)state;
    static const struct tb_str strange[] = {
        TB_STR(""),           TB_STR("Open"),  TB_STR("ope"), TB_STR("opens"),
        TB_STR(" open"),      TB_STR("done "), TB_STR("ID"),  TB_STR("none"),
        TB_STR("url\\u0000"), {"open\0", 5},   {NULL, 0},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (size_t k = 0; k < COUNT(strange); k++) {
            unsigned value = 1;
            assert_false(kinds[i].parse(strange[k], &value));
            assert_int_equal(value, 1);
        }
    }
}

static void events_have_the_types_and_topics_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        const char *topic;
        const char *types[24];
    } topics[] = {
        {"board", {"task.created",          "task.updated",  "task.ready",
                   "task.completed",        "task.failed",   "task.cancelled",
                   "task.reviewed",         "task.approved", "task.rejected",
                   "task.deleted",          "task.noted",    "task.artifacts",
                   "task.bumped",           "task.claimed",  "task.progress",
                   "task.released",         "task.expired",  "task.dead",
                   "task.cancel_requested", "task.retried",  "task.late",
                   "board.paused",          "board.resumed"}},
        {"registry",
         {"vm.registered", "vm.updated", "vm.stale", "vm.back", "vm.deregistered",
          "registry.expiry_held"}},
        {"feed",
         {"feed.task_started", "feed.task_completed", "feed.task_failed", "feed.blocker_found",
          "feed.question", "feed.finding", "feed.skill_proposed", "feed.file_changed",
          "feed.cost_update", "feed.agent_started", "feed.agent_stopped", "feed.token_update",
          "feed.custom", "feed.cleared"}},
        {"auth",
         {"auth.token_created", "auth.token_revoked", "auth.token_expired", "auth.link_created",
          "auth.session_started", "auth.session_ended"}},
        {"board", {"task.imported"}},
        {"registry", {"vm.imported"}},
    };
    unsigned type = 0;
    for (size_t i = 0; i < COUNT(topics); i++) {
        for (size_t k = 0; topics[i].types[k] != NULL; k++, type++) {
            assert_true(type < TB_EVENT_TYPE_COUNT);
            assert_string_equal(tb_event_type_name((enum tb_event_type)type), topics[i].types[k]);
            assert_string_equal(tb_event_topic((enum tb_event_type)type), topics[i].topic);
        }
    }
    assert_int_equal(type, TB_EVENT_TYPE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_that_of_the_wire_format),
        cmocka_unit_test(every_name_is_read_back),
        cmocka_unit_test(an_unknown_name_is_refused_and_leaves_the_value_alone),
        cmocka_unit_test(events_have_the_types_and_topics_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
